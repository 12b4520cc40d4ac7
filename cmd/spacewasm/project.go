package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxTextRead is more than a Spacefile may have, of which the parser says so, and than
// any .spaceignore needs.
const maxTextRead = 1 << 20

// project is a folder to deploy, and what of it is packed.
type project struct {
	dir    string
	file   *space.Spacefile // nil for a folder without one
	ignore rules            // of its .spaceignore
	built  bool             // its commands have run
	// unbuilt says that they are yet to run, so that what they make need not be there.
	unbuilt bool

	// What follows is known once it is listed.
	entries []entry  // in the order of their paths
	weight  int64    // of all files, in bytes
	served  []string // by Micro, the folder that a static one serves
	// leftOut are what our rules about the output of builds leave out of a Micro.
	leftOut []string
	notes   []string // what is not there yet

	held      map[string]known // files that the server has, by path: they are not sent
	unchanged int64            // their bytes
}

// entry is a file or folder of a project.
type entry struct {
	path string // slash-separated, within the project
	dir  bool
	size int64
}

// openProject reads what describes a project, and returns all faults of that at once.
func openProject(dir string) (*project, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	p := &project{dir: dir}
	text, err := readText(root, ignoreName)
	if err != nil {
		return nil, err
	}
	var faults []space.Fault
	p.ignore, faults = parseRules(string(text))
	text, err = readText(root, space.SpacefileName)
	if err != nil {
		return nil, err
	}
	if text != nil {
		p.file, err = space.ParseSpacefile(text)
	}
	if refused, ok := errors.AsType[*space.Error](err); ok {
		faults = append(refused.Faults, faults...)
	} else if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, space.Refuse(faults...)
	}
	return p, nil
}

// readText reads a small file at the project's root; it returns nil if there is none.
func readText(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, space.Refuse(irregular(name, info.Mode()))
	}
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // or a FIFO, since then, would wait
	if err != nil {
		return nil, fmt.Errorf("open the %s: %w", name, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTextRead))
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", name, err)
	}
	return append([]byte{}, text...), nil
}

// spec is what describes the app: the Spacefile, or that of a lone module.
func (p *project) spec() *space.Spacefile {
	if p.file == nil {
		return space.ImpliedSpacefile("main")
	}
	return p.file
}

// list finds out what to pack, and returns what is wrong with it.
func (p *project) list() ([]space.Fault, error) {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	if p.file == nil {
		if info, err := root.Lstat(space.DefaultModule); err != nil || info.IsDir() {
			return nil, hint(fmt.Errorf("%s has neither a Spacefile nor a %s", p.dir, space.DefaultModule),
				"build the program first, in Go with\n  GOOS=wasip1 GOARCH=wasm go build -o %s .\n"+
					"or push another folder, or one FILE.wasm; `spacewasm new` writes a Spacefile", space.DefaultModule)
		}
	}
	l := &listing{project: p, root: root}
	p.entries, p.weight, p.served, p.leftOut, p.notes = nil, 0, nil, nil, nil
	for _, m := range p.spec().Micros {
		p.served = append(p.served, servedFolder(root, m))
		l.micros = append(l.micros, selectMicro(m, p.served[len(p.served)-1], p.ignore))
	}
	if err := fs.WalkDir(root.FS(), ".", l.visit); err != nil {
		return nil, err
	}
	l.check()
	return l.faults, nil
}

// servedFolder is the first folder that there is of those that a static Micro may be
// served from, "" if there is none.
func servedFolder(root *os.Root, m space.MicroSpec) string {
	if !m.Engine.IsStatic() {
		return ""
	}
	for _, folder := range m.ServeFolders() {
		if info, err := root.Lstat(folder); err == nil && info.IsDir() {
			return folder
		}
	}
	return ""
}

// content are the entries of what one Micro is made of.
func (p *project) content(i int) []entry {
	folder := p.spec().Micros[i].Src
	if p.spec().Micros[i].Engine.IsStatic() {
		folder = p.served[i]
	}
	var found []entry
	for _, e := range p.entries {
		if folder != "" && within(e.path, folder) {
			found = append(found, e)
		}
	}
	return found
}

// microFault blames a key of a Micro.
func (p *project) microFault(i int, key, format string, args ...any) space.Fault {
	fault := space.Fault{Key: fmt.Sprintf("micros[%d].%s", i, key), Message: fmt.Sprintf(format, args...)}
	if p.file != nil {
		m := p.file.Micros[i]
		fault.File, fault.Line, fault.Column = space.SpacefileName, m.Line, m.Column
	}
	return fault
}

// missingFolders blames the Micros whose folder is not there, before anything is done
// in them.
func (p *project) missingFolders() []space.Fault {
	root, err := os.OpenRoot(p.dir)
	if err != nil {
		return nil // listing meets the error again
	}
	defer root.Close()
	var faults []space.Fault
	for i, m := range p.spec().Micros {
		if info, err := root.Stat(m.Src); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			faults = append(faults, p.microFault(i, "src", "there is no folder %s to pack", m.Src))
		}
	}
	return faults
}

// irregular is the fault of what is neither a file nor a folder. The server would
// refuse it: what it leads to is not part of the upload.
func irregular(name string, mode fs.FileMode) space.Fault {
	kind := "not a regular file"
	if mode&fs.ModeSymlink != 0 {
		kind = "a symbolic link"
	}
	return space.Fault{Message: fmt.Sprintf(
		"%s is %s, which cannot be deployed: replace it by a copy of what it stands for, or leave it out with a line in %s",
		name, kind, ignoreName)}
}

// module is the path of the module that a Micro runs, "" for a static one.
func module(m space.MicroSpec) string {
	if m.Engine.IsStatic() {
		return ""
	}
	return path.Join(m.Src, m.Run[0])
}
