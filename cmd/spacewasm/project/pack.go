package project

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Pack writes the project to w as a compressed tar, and calls count with the
// bytes of files as they go. The same files make the same bytes: owners are
// left out, and of the modes only whether a file may be executed stays. Files that are
// left to what holds them ([Project.LeaveOut]) are references.
func (p *Project) Pack(w io.Writer, count func(int)) error {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	// Most servers are near; better compression would cost more time than it saves.
	packed, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	archive := tar.NewWriter(packed)
	for _, e := range p.Entries {
		if err := packEntry(archive, root, e, p.held[e.Path], count); err != nil {
			return fmt.Errorf("pack %s: %w", e.Path, err)
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}

func packEntry(archive *tar.Writer, root *os.Root, e Entry, held known, count func(int)) error {
	// What has become a FIFO since it was listed would wait for a writer.
	file, err := root.OpenFile(e.Path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if e.Dir != info.IsDir() || !e.Dir && !info.Mode().IsRegular() {
		return errors.New("it changed while it was packed")
	}
	h := header(e, info)
	refers := held.refer(h, info)
	if err := archive.WriteHeader(h); err != nil || e.Dir || refers {
		return err
	}
	// Exactly the size that the header promised, even if the file grows meanwhile.
	_, err = io.CopyN(archive, io.TeeReader(file, counter(count)), info.Size())
	if errors.Is(err, io.EOF) {
		return errors.New("it became shorter while it was packed")
	}
	return err
}

// counter tells how much passes.
type counter func(int)

func (c counter) Write(p []byte) (int, error) {
	c(len(p))
	return len(p), nil
}

func header(e Entry, info fs.FileInfo) *tar.Header {
	// Whole seconds, as the plain tar format has them.
	h := &tar.Header{Typeflag: tar.TypeReg, Name: e.Path, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime().Truncate(time.Second)}
	if info.Mode()&0o111 != 0 {
		h.Mode = 0o755
	}
	if e.Dir {
		h.Typeflag, h.Name, h.Mode, h.Size = tar.TypeDir, e.Path+"/", 0o755, 0
	}
	return h
}
