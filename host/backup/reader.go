package backup

import (
	"archive/tar"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spacewasm/spacewasm/host/store"
)

var errNoBackup = errors.New("the file is no backup that `spacewasm backup` wrote")

// ErrDamaged says that a backup is cut, or not what was written.
var ErrDamaged = errors.New("the backup is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

var errCut = fmt.Errorf("%w: it ends too early, as one does that was not copied whole", ErrDamaged)

// entry is a file or folder of an archive. Its content counts only once all of the
// archive has been read.
type entry struct {
	name   string
	folder bool
	size   int64
	io.Reader
}

const (
	maxPath  = 2048 // bytes of a name; a bundle's files have half of that
	maxParts = 80
	maxPart  = 255
	// maxTail is what may follow the archive's end: tar fills up blocks.
	maxTail = 1 << 20
)

// readArchive hands the entries between the first and the last to take, which reads
// them. The archive may be anybody's: an error of ours means that nothing of what
// take has got is to be believed.
func readArchive(ctx context.Context, r io.Reader, kind string, begin func(Manifest) error, take func(entry) error) (Manifest, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, gzip.ErrHeader) {
			return Manifest{}, errNoBackup
		}
		return Manifest{}, err
	}
	a := &reader{ctx: ctx, tar: tar.NewReader(gz), sum: store.NewSum()}
	m, err := a.read(kind, begin, take)
	if err == nil {
		err = ended(gz)
	}
	return m, blame(err)
}

type reader struct {
	ctx     context.Context //nolint:containedctx // of one call of readArchive
	tar     *tar.Reader
	sum     store.Sum
	entries int64
}

func (a *reader) read(kind string, begin func(Manifest) error, take func(entry) error) (m Manifest, err error) {
	first, err := a.next()
	if err != nil {
		return m, err
	}
	if first.name != manifestName {
		return m, errNoBackup
	}
	if err := a.finish(first, func(e entry) error { return readJSON(e, maxManifest, &m) }); err != nil {
		return m, err
	}
	if err := m.check(kind); err != nil {
		return m, err
	}
	if begin != nil {
		if err := begin(m); err != nil {
			return m, err
		}
	}
	for {
		e, err := a.next()
		if err != nil {
			return m, err
		}
		if e.name == endName {
			return m, a.end(e)
		}
		if err := a.finish(e, take); err != nil {
			return m, err
		}
	}
}

// next returns the next entry.
func (a *reader) next() (entry, error) {
	header, err := a.tar.Next()
	if errors.Is(err, io.EOF) {
		return entry{}, errCut // the last entry has not come
	}
	if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
		return entry{}, err
	}
	e := entry{name: strings.TrimSuffix(header.Name, "/"), size: header.Size, folder: header.Typeflag == tar.TypeDir}
	if !e.folder && header.Typeflag != tar.TypeReg {
		return entry{}, damaged("%.200q is neither a file nor a folder", header.Name)
	}
	if err := checkName(e.name); err != nil {
		return entry{}, err
	}
	return e, nil
}

// finish lets take read the entry, and counts it.
func (a *reader) finish(e entry, take func(entry) error) error {
	a.entries++
	if e.folder {
		a.sum.Folder(e.name)
		e.Reader = strings.NewReader("")
		return take(e)
	}
	content := store.NewDigesting(&paced{ctx: a.ctx, r: a.tar, add: func(int) {}})
	e.Reader = content
	if err := take(e); err != nil {
		return err
	}
	if content.Size() != e.size {
		return damaged("%.200q has not the size that it should have", e.name)
	}
	a.sum.File(e.name, e.size, content.Sum())
	return nil
}

// end compares what has come with what was written.
func (a *reader) end(e entry) error {
	var last end
	if err := readJSON(io.LimitReader(a.tar, maxPath), maxPath, &last); err != nil {
		return err
	}
	if e.folder || last.Entries != a.entries || last.SHA256 != string(a.sum.Digest()) {
		return damaged("its content is not what its last entry says")
	}
	switch _, err := a.tar.Next(); {
	case err == nil:
		return damaged("something follows its last entry")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// ended reads on to the checksum at the end of the stream.
func ended(r io.Reader) error {
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxTail))
	if err == nil && n == maxTail {
		return damaged("something follows its end")
	}
	return err
}

// blame says of errors of the formats that the archive is damaged. Those of the disk
// stay what they are.
func blame(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	switch {
	case err == nil, errors.Is(err, ErrDamaged):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	case corrupt, errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.Is(err, tar.ErrHeader),
		errors.Is(err, tar.ErrFieldTooLong):
		return damaged("%v", err)
	}
	return err
}

// checkName refuses names that a backup cannot have.
func checkName(name string) error {
	parts := strings.Split(name, "/")
	long := len(name) > maxPath || len(parts) > maxParts
	for _, part := range parts {
		long = long || len(part) > maxPart
	}
	if long || name == "." || !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return damaged("%.200q is not the name of anything in a backup", name)
	}
	return nil
}
