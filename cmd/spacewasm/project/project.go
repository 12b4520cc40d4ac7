// Package project reads a folder that is to be pushed: what it holds, how it is built, which
// of its files go and which have changed, and what of it is new since. It knows nothing of
// commands, flags and servers.
package project

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

// Project is a folder to deploy, and what of it is packed. It is for one goroutine at a time.
type Project struct {
	// Dir is the folder, as it was opened.
	Dir string
	// Unbuilt says that its commands are yet to run, so that what they make need not be
	// there: [Project.List] notes it then.
	Unbuilt bool

	// What follows is known once it is listed.

	// Entries are packed, in the order of their paths.
	Entries []Entry
	// Weight is that of all files, in bytes.
	Weight int64
	// Served is, by Micro, the folder that a static one serves; "" for others, and for one
	// that has none yet.
	Served []string
	// LeftOut are what our rules about the output of builds leave out of a Micro.
	LeftOut []string
	// Notes say what is not there yet.
	Notes []string

	file   *space.Spacefile // nil for a folder without one
	ignore rules            // of its .spaceignore
	built  bool             // its commands have run

	seen      map[string]known // files as they were looked at, by path
	held      map[string]known // those that are held elsewhere: they are not packed
	unchanged int64            // their bytes
}

// Entry is a file or folder of a project.
type Entry struct {
	// Path is slash-separated, within the project.
	Path string
	// Dir tells that it is a folder.
	Dir bool
	// Size is that of a file, in bytes, when it was listed.
	Size int64
}

// Open reads what describes a project, and returns all faults of that at once, as a
// [space.Error].
func Open(dir string) (*Project, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	p := &Project{Dir: dir}
	text, err := readText(root, IgnoreName)
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
	} else {
		err = space.CheckMisnamed(root.FS())
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

// Spec is what describes the app: the Spacefile, or that of a lone module.
func (p *Project) Spec() *space.Spacefile {
	if p.file == nil {
		return space.ImpliedSpacefile("main")
	}
	return p.file
}

// List finds out what to pack, and returns what is wrong with it; the error is of a folder
// that cannot be read, or is no project.
func (p *Project) List() ([]space.Fault, error) {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the project: %w", err)
	}
	defer root.Close()
	if p.file == nil {
		if info, err := root.Lstat(space.DefaultModule); err != nil || info.IsDir() {
			return nil, hint(fmt.Errorf("%s has neither a Spacefile nor a %s", p.Dir, space.DefaultModule),
				"build the program first, in Go with\n  GOOS=wasip1 GOARCH=wasm go build -o %s .\n"+
					"or push another folder, or one FILE.wasm; `spacewasm new` writes a Spacefile", space.DefaultModule)
		}
	}
	l := &listing{Project: p, root: root}
	p.Entries, p.Weight, p.Served, p.LeftOut, p.Notes = nil, 0, nil, nil, nil
	for _, m := range p.Spec().Micros {
		p.Served = append(p.Served, servedFolder(root, m))
		l.micros = append(l.micros, selectMicro(m, p.Served[len(p.Served)-1], p.ignore))
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

// Content are the entries of what one Micro is made of, by its place in the Spacefile.
func (p *Project) Content(i int) []Entry {
	folder := p.Spec().Micros[i].Src
	if p.Spec().Micros[i].Engine.IsStatic() {
		folder = p.Served[i]
	}
	var found []Entry
	for _, e := range p.Entries {
		if folder != "" && within(e.Path, folder) {
			found = append(found, e)
		}
	}
	return found
}

// MicroFault blames a key of a Micro, where the Spacefile names it.
func (p *Project) MicroFault(i int, key, format string, args ...any) space.Fault {
	fault := space.Fault{Key: fmt.Sprintf("micros[%d].%s", i, key), Message: fmt.Sprintf(format, args...)}
	if p.file != nil {
		m := p.file.Micros[i]
		fault.File, fault.Line, fault.Column = space.SpacefileName, m.Line, m.Column
	}
	return fault
}

// MissingFolders blames the Micros whose folder is not there, before anything is done
// in them.
func (p *Project) MissingFolders() []space.Fault {
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return nil // listing meets the error again
	}
	defer root.Close()
	var faults []space.Fault
	for i, m := range p.Spec().Micros {
		if info, err := root.Stat(m.Src); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			faults = append(faults, p.MicroFault(i, "src", "there is no folder %s to pack", m.Src))
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
		name, kind, IgnoreName)}
}

// Module is the path of the module that a Micro runs, by its place in the Spacefile, ""
// for a static one.
func (p *Project) Module(i int) string { return module(p.Spec().Micros[i]) }

func module(m space.MicroSpec) string {
	if m.Engine.IsStatic() {
		return ""
	}
	return path.Join(m.Src, m.Run[0])
}
