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
	"unicode"
	"unicode/utf8"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxDepth bounds how deep folders of a bundle may lie within each other.
const maxDepth = 64

// maxPart bounds one name in a path, in bytes, as Linux does.
const maxPart = 255

// unpacker writes the entries of a hostile archive into an empty folder.
type unpacker struct {
	files *os.Root
	spool func() (*os.File, error) // where a zip waits until it is whole
	take  func(n int64) error      // asked before n more bytes go to the disk
	// refer makes a file one that holds what the app has already; write copies it.
	refer   func(name string, content space.Content, write func(io.Reader) error) error
	limit   int64             // bytes of the archive, and of what comes out of it
	written int64             // bytes that have come out
	entries int               // files and folders that may still come
	names   map[string]string // by what they are without case
}

// block is what a name costs on the disk at least, in bytes.
const block = 4096

var errTooLarge = errors.New("too large")

// module writes a lone module under its default name.
func (u *unpacker) module(r io.Reader) error {
	return u.tooLarge(u.write(space.DefaultModule, r))
}

// tarGzip unpacks an archive as it arrives.
func (u *unpacker) tarGzip(r io.Reader) error {
	packed := &bounded{r: r, left: u.limit}
	zr, err := gzip.NewReader(packed)
	if err != nil {
		return u.tooLarge(unreadable("the gzip stream", err))
	}
	archive := tar.NewReader(zr)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return u.tooLarge(unreadable("the tar archive", err))
		}
		switch header.Typeflag {
		case tar.TypeXGlobalHeader: // says nothing of a file
		case tar.TypeDir:
			err = u.folder(header.Name)
		case tar.TypeReg:
			err = u.tarFile(header, archive)
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
	size, err := io.Copy(&metered{spool, u.take}, io.LimitReader(r, u.limit+1))
	if err != nil {
		return fmt.Errorf("keep upload: %w", err)
	}
	if size > u.limit {
		return u.tooLarge(errTooLarge)
	}
	if err := checkDirectory(spool, size, u.entries); err != nil {
		return err
	}
	archive, err := zip.NewReader(spool, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return refuse("the zip archive cannot be read: %v", err)
	}
	if err := checkOverlap(archive.File); err != nil {
		return err
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
	clean, err := u.prepare(name)
	if err != nil {
		return err
	}
	return u.write(clean, r)
}

// prepare admits the name of a file, and makes its folder.
func (u *unpacker) prepare(name string) (string, error) {
	clean, err := u.admit(name, false)
	if err != nil {
		return "", err
	}
	if dir := path.Dir(clean); dir != "." {
		if err := u.made(clean, u.files.MkdirAll(dir, 0o755)); err != nil {
			return "", err
		}
	}
	return clean, nil
}

// write copies r to a new file, counting its bytes as they come out of the
// archive: what the archive says of sizes is not believed.
func (u *unpacker) write(name string, r io.Reader) error {
	f, err := u.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return u.made(name, err)
	}
	source := &reading{r: r}
	n, err := io.Copy(&metered{f, u.take}, io.LimitReader(source, u.limit-u.written+1))
	u.written += n
	switch closed := f.Close(); {
	case source.err != nil:
		return unreadable(fmt.Sprintf("%.200q", name), source.err)
	case u.written > u.limit:
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

// bounded is a source of at most left bytes. More of it are an error, where
// io.LimitReader would make a whole archive look cut short.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// unreadable blames the archive for an error of reading it, unless it is its size.
func unreadable(what string, err error) error {
	if errors.Is(err, errTooLarge) {
		return err
	}
	return refuse("%s cannot be read: %v", what, err)
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
	clean := path.Clean(name)
	switch {
	case !filepath.IsLocal(clean) || strings.ContainsAny(name, "\\\x00") || (clean == "." && !folder):
		return "", refuse("%.200q is not a path within the project", name)
	case !utf8.ValidString(clean): // package fs takes no others
		return "", refuse("%.200q is not UTF-8", name)
	case strings.Count(clean, "/") >= maxDepth || len(clean) > 1024 || longPart(clean):
		return "", refuse("%.200q lies deeper than %d folders, is longer than 1024 bytes, or has a part longer than %d", name, maxDepth, maxPart)
	}
	if u.names == nil {
		u.names = map[string]string{}
	}
	// The folders that a path implies are entries as well.
	for i, c := range clean {
		if c == '/' {
			if err := u.count(clean[:i], true); err != nil {
				return "", err
			}
		}
	}
	if clean == "." {
		return clean, nil
	}
	return clean, u.count(clean, folder)
}

// count counts an entry that is new, and refuses one that is not, unless it is
// the same folder.
func (u *unpacker) count(name string, folder bool) error {
	folded := fold(name)
	other, taken := u.names[folded]
	if taken && (other != name || !folder) {
		return refuse("%.200q is in the archive twice, as case does not count", name)
	}
	if !taken {
		u.names[folded] = name
		u.entries--
	}
	if u.entries < 0 {
		return refuse("the archive has too many entries: files, and folders with those that paths imply")
	}
	if taken {
		return nil
	}
	return u.take(block)
}

// fold makes names equal that differ by case only: each letter becomes the
// smallest of those that Unicode's simple folding takes for the same.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// longPart tells whether a file system would refuse a name in the path.
func longPart(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return true
		}
	}
	return false
}

// tooLarge puts the limit into words.
func (u *unpacker) tooLarge(err error) error {
	if !errors.Is(err, errTooLarge) {
		return err
	}
	return space.Errorf(space.CodePayloadTooLarge,
		"the bundle is larger than the limit of %d bytes, packed or unpacked: leave out what the Micros do not read, or raise --bundle",
		u.limit)
}

func refuse(format string, args ...any) error {
	return space.Refuse(space.Fault{Message: fmt.Sprintf(format, args...)})
}
