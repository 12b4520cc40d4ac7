package deploy

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// Records of a zip (PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16), with
// their lengths without what varies.
const (
	zipHeader   = "PK\x01\x02"
	zipEnd      = "PK\x05\x06"
	zip64End    = "PK\x06\x06"
	zip64Locate = "PK\x06\x07"

	zipHeaderLen   = 46
	zipEndLen      = 22
	zip64EndLen    = 56
	zip64LocateLen = 20
)

// maxDirectory bounds a zip's directory, in bytes. package zip keeps all of it in
// memory; that of 20,000 files with names of 100 bytes has 3 MB.
const maxDirectory = 8 << 20

var (
	errZipEnd       = errors.New("its end is missing")
	errZipDirectory = errors.New("its directory is not where its end says")
)

// zipDirectory is where a zip's directory is, and how many entries it has.
type zipDirectory struct{ at, size, entries int64 }

// checkDirectory walks over the directory of a zip before package zip reads it
// into memory, which does not believe the count at the end and has no bound.
// It holds that the directory is as its end says, and has no more entries than
// that and than most.
func checkDirectory(r io.ReaderAt, size int64, most int) error {
	dir, err := findDirectory(r, size)
	if err != nil {
		return refuse("the zip archive cannot be read: %v", err)
	}
	if dir.entries > int64(most) {
		return refuse("the archive has too many entries: %d files and folders", dir.entries)
	}
	if dir.size > maxDirectory {
		return refuse("the zip archive's directory has %d bytes; the limit is %d", dir.size, maxDirectory)
	}
	section := bufio.NewReader(io.NewSectionReader(r, dir.at, dir.size))
	header := make([]byte, zipHeaderLen)
	for range dir.entries {
		if _, err := io.ReadFull(section, header); err != nil || string(header[:4]) != zipHeader {
			return refuse("the zip archive cannot be read: %v", errZipDirectory)
		}
		varies := int(le16(header[28:])) + int(le16(header[30:])) + int(le16(header[32:]))
		if _, err := section.Discard(varies); err != nil {
			return refuse("the zip archive cannot be read: %v", errZipDirectory)
		}
	}
	if _, err := section.ReadByte(); !errors.Is(err, io.EOF) {
		return refuse("the zip archive cannot be read: %v", errZipDirectory)
	}
	return nil
}

// findDirectory reads the end of a zip, as package zip does. What stands before an
// archive, such as a program that unpacks it, is not taken, as then the two could
// look at different places.
func findDirectory(r io.ReaderAt, size int64) (zipDirectory, error) {
	tail := make([]byte, min(size, 65<<10))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return zipDirectory{}, err
	}
	at := lastEnd(tail)
	if at < 0 {
		return zipDirectory{}, errZipEnd
	}
	end := tail[at:]
	dir := zipDirectory{entries: le16(end[10:]), size: le32(end[12:]), at: le32(end[16:])}
	place := size - int64(len(tail)-at) // of what follows the directory
	if dir.entries == 0xffff || dir.size == 0xffff || dir.size == 0xffffffff || dir.at == 0xffffffff {
		var err error
		if dir, place, err = findDirectory64(r, place, dir); err != nil {
			return zipDirectory{}, err
		}
	}
	if dir.size < 0 || dir.at < 0 || dir.entries < 0 || dir.at > place || dir.size != place-dir.at {
		return zipDirectory{}, errZipDirectory
	}
	return dir, nil
}

// lastEnd finds the end record in a zip's last bytes, -1 if there is none. Its
// comment reaches to the end of the archive or less far.
func lastEnd(tail []byte) int {
	for at := len(tail); ; {
		at = bytes.LastIndex(tail[:at], []byte(zipEnd))
		if at < 0 {
			return -1
		}
		if rest := len(tail) - at - zipEndLen; rest >= 0 {
			if int(le16(tail[at+20:])) > rest {
				return -1 // package zip gives up here too
			}
			return at
		}
	}
}

// findDirectory64 reads the larger end record that may stand before place, where
// the end record is.
func findDirectory64(r io.ReaderAt, place int64, dir zipDirectory) (zipDirectory, int64, error) {
	locator := make([]byte, zip64LocateLen)
	if place < zip64LocateLen {
		return dir, place, nil
	}
	if _, err := r.ReadAt(locator, place-zip64LocateLen); err != nil {
		return dir, place, err
	}
	if string(locator[:4]) != zip64Locate || le32(locator[4:]) != 0 || le32(locator[16:]) != 1 {
		return dir, place, nil // as package zip has it
	}
	at := le64(locator[8:])
	if at < 0 || at > place-zip64LocateLen-zip64EndLen {
		return dir, place, errZipDirectory
	}
	end := make([]byte, zip64EndLen)
	if _, err := r.ReadAt(end, at); err != nil {
		return dir, place, err
	}
	if string(end[:4]) != zip64End {
		return dir, place, errZipDirectory
	}
	return zipDirectory{entries: le64(end[32:]), size: le64(end[40:]), at: le64(end[48:])}, at, nil
}

// checkOverlap refuses entries that share bytes, with which a small archive of
// many large files is made.
func checkOverlap(files []*zip.File) error {
	type span struct {
		from, to int64
		name     string
	}
	spans := make([]span, 0, len(files))
	for _, f := range files {
		from, err := f.DataOffset()
		if err != nil {
			return refuse("%.200q cannot be read: %v", f.Name, err)
		}
		if f.CompressedSize64 > 1<<62 {
			return refuse("%.200q cannot be read: %v", f.Name, zip.ErrFormat)
		}
		spans = append(spans, span{from, from + int64(f.CompressedSize64), f.Name})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	for i := 1; i < len(spans); i++ {
		// Before its data an entry has a header of its own, of 30 bytes and its name.
		if a, b := spans[i-1], spans[i]; a.to+30 > b.from {
			return refuse("%.200q and %.200q are the same bytes of the archive", a.name, b.name)
		}
	}
	return nil
}

// Numbers as a zip has them; those of eight bytes that are negative lie.
func le16(b []byte) int64 { return int64(binary.LittleEndian.Uint16(b)) }
func le32(b []byte) int64 { return int64(binary.LittleEndian.Uint32(b)) }
func le64(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }
