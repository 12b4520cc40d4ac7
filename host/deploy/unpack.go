package deploy

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxDepth bounds how deep folders of a bundle may lie within each other.
const maxDepth = 64

// unpacker writes the entries of a hostile archive into an empty folder.
type unpacker struct {
	files   *os.Root
	spool   func() (*os.File, error) // where a zip waits until it is whole
	limit   int64                    // bytes that may still come, packed in the file that is unpacked or unpacked from it
	entries int                      // files and folders that may still come
	names   map[string]string
}

var errTooLarge = errors.New("too large")

// module writes a lone module under its default name.
func (u *unpacker) module(r io.Reader) error {
	return u.tooLarge(u.write(space.DefaultModule, r))
}

// tarGzip unpacks an archive as it arrives.
func (u *unpacker) tarGzip(r io.Reader) error {
	limit := u.limit
	zr, err := gzip.NewReader(io.LimitReader(r, limit))
	if err != nil {
		return refuse("the gzip stream cannot be read: %v", err)
	}
	archive := tar.NewReader(zr)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return refuse("the tar archive cannot be read: %v", err)
		}
		switch header.Typeflag {
		case tar.TypeXGlobalHeader: // says nothing of a file
		case tar.TypeDir:
			err = u.folder(header.Name)
		case tar.TypeReg:
			err = u.file(header.Name, archive)
		default:
			err = refuse("%.200q is neither a file nor a folder: links and devices are not taken", header.Name)
		}
		if err != nil {
			return u.tooLarge(err)
		}
	}
}

// zip keeps the archive aside first, because its directory stands at its end.
func (u *unpacker) zip(r io.Reader) error {
	spool, err := u.spool()
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	defer func() { _ = spool.Close() }()
	size, err := io.Copy(spool, io.LimitReader(r, u.limit+1))
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	if size > u.limit {
		return u.tooLarge(errTooLarge)
	}
	archive, err := zip.NewReader(spool, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return refuse("the zip archive cannot be read: %v", err)
	}
	for _, entry := range archive.File {
		if err := u.zipEntry(entry); err != nil {
			return u.tooLarge(err)
		}
	}
	return nil
}

func (u *unpacker) zipEntry(entry *zip.File) error {
	switch mode := entry.Mode(); {
	case mode.IsDir():
		return u.folder(entry.Name)
	case !mode.IsRegular():
		return refuse("%.200q is neither a file nor a folder: links and devices are not taken", entry.Name)
	}
	r, err := entry.Open()
	if err != nil {
		return refuse("%.200q cannot be read: %v", entry.Name, err)
	}
	defer func() { _ = r.Close() }()
	return u.file(entry.Name, r)
}

func (u *unpacker) folder(name string) error {
	clean, err := u.admit(name, true)
	if err != nil || clean == "." {
		return err
	}
	return u.made(clean, u.files.MkdirAll(clean, 0o755))
}

func (u *unpacker) file(name string, r io.Reader) error {
	clean, err := u.admit(name, false)
	if err != nil {
		return err
	}
	if dir := path.Dir(clean); dir != "." {
		if err := u.made(clean, u.files.MkdirAll(dir, 0o755)); err != nil {
			return err
		}
	}
	return u.write(clean, r)
}

// write copies r to a new file, counting its bytes as they come out of the
// archive: what the archive says of sizes is not believed.
func (u *unpacker) write(name string, r io.Reader) error {
	f, err := u.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return u.made(name, err)
	}
	source := &reading{r: r}
	n, err := io.Copy(f, io.LimitReader(source, u.limit+1))
	u.limit -= n
	switch closed := f.Close(); {
	case source.err != nil:
		return refuse("%.200q cannot be unpacked: %v", name, source.err)
	case u.limit < 0:
		return errTooLarge
	default:
		return errors.Join(err, closed)
	}
}

// reading remembers that the source failed, as opposed to the disk.
type reading struct {
	r   io.Reader
	err error
}

func (s *reading) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// made blames the archive for names that contradict each other, and the disk for
// everything else.
func (u *unpacker) made(name string, err error) error {
	if errors.Is(err, fs.ErrExist) || (err != nil && strings.Contains(err.Error(), "not a directory")) {
		return refuse("%.200q is in the archive as a file and again", name)
	}
	return err
}

// admit checks the name of an entry, and that no other differs from it by case
// only.
func (u *unpacker) admit(name string, folder bool) (string, error) {
	u.entries--
	if u.entries < 0 {
		return "", refuse("the archive has too many entries")
	}
	clean := path.Clean(name)
	switch {
	case !filepath.IsLocal(clean) || strings.ContainsAny(name, "\\\x00") || (clean == "." && !folder):
		return "", refuse("%.200q is not a path within the project", name)
	case strings.Count(clean, "/") >= maxDepth || len(clean) > 1024:
		return "", refuse("%.200q lies deeper than %d folders or is longer than 1024 bytes", name, maxDepth)
	}
	if u.names == nil {
		u.names = map[string]string{}
	}
	folded := strings.ToLower(clean)
	if other, taken := u.names[folded]; taken && (other != clean || !folder) {
		return "", refuse("%.200q is in the archive twice, as case does not count", clean)
	}
	u.names[folded] = clean
	return clean, nil
}

// tooLarge puts the limit into words.
func (u *unpacker) tooLarge(err error) error {
	if !errors.Is(err, errTooLarge) {
		return err
	}
	return space.Errorf(space.CodePayloadTooLarge,
		"the bundle is larger than the server takes, unpacked or packed: leave out what the Micros do not read, or raise --bundle")
}

func refuse(format string, args ...any) error {
	return space.Refuse(space.Fault{Message: fmt.Sprintf(format, args...)})
}
