package project

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/image/webp"

	"github.com/spacewasm/spacewasm/host/space"
)

// iconSide is what a side of an icon should measure, in pixels.
const iconSide = 512

// checkIcon holds that the app's picture is packed, and one that others can show.
func (l *listing) checkIcon(name string) {
	fault := func(format string, args ...any) {
		l.faults = append(l.faults, space.Fault{File: space.SpacefileName, Key: "icon", Message: fmt.Sprintf(format, args...)})
	}
	info, err := l.root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fault("there is no file %s", name)
		return
	case err != nil:
		fault("the file %s cannot be found: %v", name, err)
		return
	case info.Mode()&fs.ModeSymlink != 0:
		return // which has been blamed
	case !info.Mode().IsRegular():
		fault("%s is no file", name)
		return
	}
	if r := l.ignore.drops(name, false); r != nil {
		l.faults = append(l.faults, space.Fault{File: IgnoreName, Line: r.line, Message: fmt.Sprintf("%q leaves out %s, which is the app's icon; change the line", r.pattern, name)})
		return
	}
	size, err := iconSize(l.root, name)
	switch {
	case err != nil:
		fault("%s cannot be shown: %v", name, err)
	case size.X != iconSide && size.Y != iconSide:
		// Deta let one side differ, and such files are about.
		fault("%s has %d by %d pixels; want %d by %d", name, size.X, size.Y, iconSide, iconSide)
	}
}

// iconSize reads what a picture says of itself.
func iconSize(root *os.Root, name string) (image.Point, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return image.Point{}, err
	}
	defer file.Close()
	var start bytes.Buffer
	decode := png.DecodeConfig
	if _, err := io.CopyN(&start, file, 12); err != nil || bytes.HasPrefix(start.Bytes(), []byte("RIFF")) {
		decode = webp.DecodeConfig
	}
	config, err := decode(io.MultiReader(&start, file))
	if err != nil {
		return image.Point{}, errors.New("it is neither a PNG nor a WebP")
	}
	return image.Pt(config.Width, config.Height), nil
}
