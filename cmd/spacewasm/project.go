package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	ignoreName = ".spaceignore"
	// skippedNames are never packed, at any depth: histories, what package managers
	// fetch again, secrets, and a server's own data.
	skippedNames = ".git .hg .svn node_modules __pycache__ venv .venv .env .env.*\nspacewasm-data .DS_Store " + ignoreName
	// maxSpacefileRead is more than a Spacefile may have; the parser says so.
	maxSpacefileRead = 1 << 20
)

// project is a folder to deploy, and what of it is packed.
type project struct {
	dir     string
	file    *space.Spacefile // nil for a folder without one
	entries []entry          // in the order of their paths
	weight  int64            // of all files, in bytes
	// ignoreFile is set when there is a .spaceignore at the root.
	ignoreFile bool

	held      map[string]known // files that the server has, by path: they are not sent
	unchanged int64            // their bytes
}

// entry is a file or folder of a project.
type entry struct {
	path string // slash-separated, within the project
	dir  bool
}

// listProject finds out what to pack of dir, and whether it is complete.
func listProject(dir string) (*project, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	p := &project{dir: dir}
	if p.file, err = readSpacefile(root); err != nil {
		return nil, err
	}
	if err := fs.WalkDir(root.FS(), ".", p.visit); err != nil {
		return nil, err
	}
	return p, p.check()
}

// readSpacefile reads the project's description; it returns nil if there is none.
func readSpacefile(root *os.Root) (*space.Spacefile, error) {
	info, err := root.Lstat(space.SpacefileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the Spacefile: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(space.SpacefileName, info.Mode())
	}
	file, err := root.OpenFile(space.SpacefileName, os.O_RDONLY|syscall.O_NONBLOCK, 0) // or a FIFO, since then, would wait
	if err != nil {
		return nil, fmt.Errorf("open the Spacefile: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSpacefileRead))
	if err != nil {
		return nil, fmt.Errorf("read the Spacefile: %w", err)
	}
	return space.ParseSpacefile(text)
}

// visit notes what is packed, on a walk over the project.
func (p *project) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("list the project: %w", err)
	}
	if name == "." {
		return nil
	}
	if name == ignoreName {
		p.ignoreFile = true
	}
	if skipped(d.Name()) || !p.wants(name) {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	if !d.IsDir() {
		if !d.Type().IsRegular() {
			return irregular(name, d.Type())
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("list the project: %w", err)
		}
		p.weight += info.Size()
	}
	p.entries = append(p.entries, entry{path: name, dir: d.IsDir()})
	return nil
}

// skipped tells whether files and folders of this name are left out.
func skipped(name string) bool {
	for pattern := range strings.FieldsSeq(skippedNames) {
		// The patterns are ours and well formed.
		if match, _ := path.Match(pattern, name); match {
			return true
		}
	}
	return false
}

// wants tells whether name is the Spacefile, in the folder of a Micro, or a
// folder that leads to one.
func (p *project) wants(name string) bool {
	if p.file == nil || name == space.SpacefileName {
		return true
	}
	for _, m := range p.file.Micros {
		if m.Src == "." || m.Src == name || strings.HasPrefix(name, m.Src+"/") || strings.HasPrefix(m.Src, name+"/") {
			return true
		}
	}
	return false
}

// check looks for each Micro's folder and module. The server would miss them
// too, but only after the upload.
func (p *project) check() error {
	found := map[entry]bool{{path: ".", dir: true}: true}
	for _, e := range p.entries {
		found[e] = true
	}
	if p.file == nil {
		if found[entry{path: space.DefaultModule}] {
			return nil
		}
		return hint(fmt.Errorf("%s has neither a Spacefile nor a %s", p.dir, space.DefaultModule),
			"build the program first, in Go with\n  GOOS=wasip1 GOARCH=wasm go build -o %s .\nor push another folder, or one FILE.wasm", space.DefaultModule)
	}
	var faults []space.Fault
	for i, m := range p.file.Micros {
		fault := space.Fault{File: space.SpacefileName, Line: m.Line, Column: m.Column}
		switch module := path.Join(m.Src, m.Run[0]); {
		case !found[entry{path: m.Src, dir: true}]:
			fault.Key = fmt.Sprintf("micros[%d].src", i)
			fault.Message = fmt.Sprintf("there is no folder %s to pack", m.Src)
		case !found[entry{path: module}]:
			fault.Key = fmt.Sprintf("micros[%d].run", i)
			fault.Message = fmt.Sprintf("there is no file %s; build it first", module)
		default:
			continue
		}
		faults = append(faults, fault)
	}
	if faults != nil {
		return space.Refuse(faults...)
	}
	return nil
}

// irregular is the error of what is neither a file nor a folder. The server
// would refuse it: what it leads to is not part of the upload.
func irregular(name string, mode fs.FileMode) error {
	kind := "not a regular file"
	if mode&fs.ModeSymlink != 0 {
		kind = "a symbolic link"
	}
	return hint(fmt.Errorf("%s is %s, which cannot be deployed", name, kind), "replace it by a copy of what it stands for, or move it out of the folder")
}
