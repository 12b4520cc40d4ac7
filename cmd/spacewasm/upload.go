package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// upload is what a push sends.
type upload struct {
	// name is the folder's or file's, without what tells its kind.
	name        string
	contentType string
	// size is the number of bytes that are sent, -1 when it is not known before.
	size int64
	// weight is what open counts up to, in bytes.
	weight int64
	// set are variables that are set with it.
	set map[string]*string
	// folder is the project that is sent, nil for a file.
	folder *project.Project
	// open starts the body, and calls count with the bytes that went into it. The
	// caller closes it.
	open func(count func(int)) (io.ReadCloser, error)
}

// newUpload looks at what shall be pushed: a folder, a module or an archive. A folder's
// faults are all there are, as a refusal; build is called before it is listed.
func newUpload(what string, show *progress, build func(name string, p *project.Project) error) (*upload, error) {
	info, err := os.Stat(what)
	if err != nil {
		return nil, fmt.Errorf("find what to push: %w", err)
	}
	absolute, err := filepath.Abs(what)
	if err != nil {
		return nil, fmt.Errorf("find what to push: %w", err)
	}
	name := filepath.Base(absolute)
	switch {
	case info.IsDir():
		return newFolderUpload(what, name, show, build)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is neither a folder nor a regular file", what)
	}
	stem, contentType := fileKind(name)
	if contentType == "" {
		return nil, hint(fmt.Errorf("%s: what kind of file this is does not show", what),
			"push a folder, a module FILE.wasm, or a project as .zip, .tar.gz or .tgz")
	}
	return &upload{
		name: stem, contentType: contentType, size: info.Size(), weight: info.Size(),
		open: func(count func(int)) (io.ReadCloser, error) {
			file, err := os.Open(what) //nolint:gosec // what the user named
			if err != nil {
				return nil, fmt.Errorf("open what to push: %w", err)
			}
			return &counted{ReadCloser: file, count: count}, nil
		},
	}, nil
}

// fileKind splits a file's name into the part before its kind, and the content
// type of that kind, "" if it is none of ours.
func fileKind(name string) (stem, contentType string) {
	for _, kind := range [][2]string{
		{".wasm", "application/wasm"},
		{".zip", "application/zip"},
		{".tar.gz", "application/gzip"},
		{".tgz", "application/gzip"},
	} {
		if cut := len(name) - len(kind[0]); cut >= 0 && strings.EqualFold(name[cut:], kind[0]) {
			return name[:cut], kind[1]
		}
	}
	return name, ""
}

// newFolderUpload lists the folder now, so that faults show before anything is
// sent, and packs it while it is sent, so that it is never in memory.
func newFolderUpload(dir, name string, show *progress, build func(name string, p *project.Project) error) (*upload, error) {
	folder, err := project.Open(dir)
	if err != nil {
		return nil, err
	}
	if gone := folder.MissingFolders(); len(gone) > 0 {
		return nil, space.Refuse(gone...)
	}
	if err := build(name, folder); err != nil {
		return nil, err
	}
	show.packing(dir)
	faults, err := folder.List()
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, space.Refuse(faults...)
	}
	if note := leftOutNote(folder.LeftOut); note != "" {
		show.note("note: " + note)
	}
	return &upload{
		name: name, contentType: "application/gzip", size: -1, weight: folder.Weight, folder: folder,
		open: func(count func(int)) (io.ReadCloser, error) { return startPacking(folder, count), nil },
	}, nil
}

// leftOutNote says what of the Micros' folders looks like the output of a build and is
// therefore left out, "" if nothing does.
func leftOutNote(leftOut []string) string {
	if len(leftOut) == 0 {
		return ""
	}
	names := slices.Clone(leftOut)
	const most = 5
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return fmt.Sprintf("left out as what a build makes: %s (a line such as !%s in %s packs it)",
		strings.Join(names, ", "), path.Base(leftOut[0]), project.IgnoreName)
}

// packing is the reading end of a project that is being packed.
type packing struct {
	*io.PipeReader
	done chan struct{}
}

func startPacking(folder *project.Project, count func(int)) *packing {
	reader, writer := io.Pipe()
	p := &packing{PipeReader: reader, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		writer.CloseWithError(folder.Pack(writer, count))
	}()
	return p
}

// Close ends the packing, and waits until it has ended.
func (p *packing) Close() error {
	err := p.PipeReader.Close()
	<-p.done
	return err
}

// counted tells how much was read of a file.
type counted struct {
	io.ReadCloser
	count func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.count(n)
	return n, err
}
