package deploy

import (
	"archive/tar"
	"io"
	"strconv"

	"github.com/spacewasm/spacewasm/host/space"
)

// tarFile takes a file's entry: with its content, or with the records that say which
// of the app's files has the same.
func (u *unpacker) tarFile(header *tar.Header, r io.Reader) error {
	sum, refers := header.PAXRecords[space.RecordSum]
	if !refers {
		return u.file(header.Name, r)
	}
	size, err := strconv.ParseInt(header.PAXRecords[space.RecordSize], 10, 64)
	if err != nil || header.Size != 0 {
		return refuse("%.200q refers to a file with %s: then it is empty, and has a %s", header.Name, space.RecordSum, space.RecordSize)
	}
	content, err := space.ParseContent(sum, size)
	if err != nil {
		return refuse("%.200q refers to a file, but %v", header.Name, err)
	}
	return u.reference(header.Name, content)
}

// reference takes a file that the app has: it counts like one that was sent, but for
// the room on the disk.
func (u *unpacker) reference(name string, content space.Content) error {
	if content.Size > u.limit-u.written {
		return errTooLarge
	}
	clean, err := u.prepare(name)
	if err != nil {
		return err
	}
	copied := false
	err = u.refer(clean, content, func(r io.Reader) error {
		copied = true
		return u.write(clean, r) // which counts
	})
	if err == nil && !copied {
		u.written += content.Size
	}
	return u.made(clean, err)
}
