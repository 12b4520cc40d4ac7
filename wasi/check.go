package wasi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// Database is what a SQLite file says about itself: see [Engine.CheckDatabases].
type Database = sqlite.Database

// Table is a table of a [Database].
type Table = sqlite.Table

// DatabaseMagicBytes is how much of a file [IsDatabase] wants to see.
const DatabaseMagicBytes = sqlite.MagicBytes

// IsDatabase tells whether a file with this beginning is a SQLite file.
func IsDatabase(head []byte) bool { return sqlite.IsDatabase(head) }

// Queries tells whether the module imports functions of SQLite.
func (r *Report) Queries() bool {
	return slices.ContainsFunc(r.Imports, func(name string) bool { return strings.HasPrefix(name, sqlite.ModuleName+".") })
}

// maxDatabases is how many of a bundle are checked, and listed.
const maxDatabases = 100

// counting is how long the rows of one database are counted.
const counting = 3 * time.Second

// checkBounds are what looking at databases of so many bytes may use. An honest one of
// 250 MB takes 4 s; a busy machine has ten times that.
func checkBounds(bytes int64) child.Bounds {
	more := time.Duration(bytes>>20) * 200 * time.Millisecond
	return child.Bounds{
		Wall: 15*time.Second + 2*more, Processor: 10*time.Second + more, Resident: 512 << 20, File: 16 << 20, Workers: 1,
	}
}

// Files are the SQLite files of a folder.
type Files struct {
	Names []string
	Bytes int64 // of all of them
}

// CheckDatabases looks whether guests can use the SQLite files that were found in a folder:
// whether they are whole, and nothing of a change was left beside them. An isolated engine
// has a child do so, which the bounds end; then all are at fault.
func (e *Engine) CheckDatabases(ctx context.Context, folder *os.Root, files Files) ([]Database, error) {
	switch {
	case len(files.Names) == 0:
		return nil, nil
	case len(files.Names) > maxDatabases:
		return nil, &RefusedError{Faults: []string{fmt.Sprintf("there are more than %d databases", maxDatabases)}}
	case !e.config.Isolated:
		return checkAll(ctx, folder, files.Names)
	}
	return e.checkApart(ctx, folder, files)
}

// FindDatabases finds the SQLite files in a folder by how they begin. Where there are more
// than are checked, it does not look for all.
func FindDatabases(folder *os.Root) (files Files, err error) {
	err = iofs.WalkDir(folder.FS(), ".", func(name string, entry iofs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || len(files.Names) > maxDatabases {
			return err
		}
		info, err := entry.Info()
		if err != nil || info.Size() < int64(sqlite.MagicBytes) {
			return err
		}
		file, err := folder.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		head := make([]byte, sqlite.MagicBytes)
		if _, err := file.ReadAt(head, 0); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if sqlite.IsDatabase(head) {
			files.Names, files.Bytes = append(files.Names, name), files.Bytes+info.Size()
		}
		return nil
	})
	if err != nil {
		return Files{}, fmt.Errorf("look for databases: %w", err)
	}
	return files, nil
}

// checkAll looks at the databases in this process.
func checkAll(ctx context.Context, folder *os.Root, names []string) ([]Database, error) {
	var found []Database
	for _, name := range names {
		d, err := sqlite.Check(ctx, fs.ReadOnly(folder, fs.Shared{}), name, counting)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", name, err)
		}
		found = append(found, d)
	}
	return found, nil
}

// checkApart has a child look at them.
func (e *Engine) checkApart(ctx context.Context, folder *os.Root, files Files) ([]Database, error) {
	turn, err := e.children.Turn(ctx)
	if err != nil {
		return nil, err
	}
	defer turn.End()
	dir, err := folder.Open(".")
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	defer func() { _ = dir.Close() }()
	artefact, err := e.checked().create()
	if err != nil {
		return nil, err
	}
	defer func() { _ = artefact.Close() }()
	defer func() { _ = os.Remove(artefact.Name()) }()
	input, err := frame(files.Names)
	if err != nil {
		return nil, err
	}
	bounds := checkBounds(files.Bytes)
	err = turn.Run(ctx, child.Job{
		Task: taskCheck, Input: strings.NewReader(string(input)), Artefact: artefact, Folders: []*os.File{dir}, Dir: e.checked().incoming(), Bounds: bounds,
	})
	if ended, ok := errors.AsType[*child.EndedError](err); ok {
		return checkVerdict(ended, files.Names, bounds)
	}
	if err != nil {
		return nil, fmt.Errorf("check databases in a child process: %w", err)
	}
	return readDatabases(artefact, files.Names)
}

// readDatabases reads what a child has found. It has worked on what somebody uploaded,
// and is believed no more than that.
func readDatabases(artefact *os.File, names []string) ([]Database, error) {
	const most = 4 << 20
	var found []Database
	if _, err := artefact.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(io.LimitReader(artefact, most)).Decode(&found); err != nil {
		return nil, fmt.Errorf("read what is in the databases: %w", err)
	}
	if len(found) != len(names) {
		return nil, fmt.Errorf("%d databases were checked instead of %d", len(found), len(names))
	}
	for i := range found {
		found[i].Name = names[i]
	}
	return found, nil
}

// checkVerdict says whether a child that did not end well was the databases' fault.
func checkVerdict(ended *child.EndedError, names []string, bounds child.Bounds) ([]Database, error) {
	var fault string
	switch ended.Reason {
	case child.TooLong, child.TooMuchProcessor:
		fault = fmt.Sprintf("it takes more than %v to check: make it smaller, or write it anew by VACUUM", bounds.Processor.Round(time.Second))
	case child.TooMuchMemory, child.TooLarge:
		fault = "checking it takes too much memory: write it anew by VACUUM, with a smaller schema"
	case child.Crashed:
		fault = "checking it crashed: it is damaged; write it anew with: sqlite3 FILE .recover | sqlite3 new.db"
	case child.Killed:
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, ended)
	default:
		return nil, fmt.Errorf("check databases in a child process: %w", ended)
	}
	var found []Database
	for _, name := range names {
		found = append(found, Database{Name: name, Fault: fault})
	}
	return found, nil
}

// checkTask is the child's side of [Engine.CheckDatabases].
func checkTask(_ string, in io.Reader, out io.Writer, folders []*os.File) error {
	const most = 64 << 20 // it is the parent's
	var names []string
	if err := readFrame(in, most, &names); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	folder, err := openFolder(folders)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	found, err := checkAll(context.Background(), folder, names)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(found)
}
