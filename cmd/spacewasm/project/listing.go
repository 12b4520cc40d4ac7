package project

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// maxIrregular bounds how many links are listed: a folder of them says the same.
const maxIrregular = 10

// listing is a walk over a project.
type listing struct {
	*Project
	root      *os.Root
	micros    []selection
	faults    []space.Fault
	pending   []Entry // folders that lead to what may be packed
	irregular int
}

// visit notes what is packed.
func (l *listing) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return fmt.Errorf("list the project: %w", err)
	}
	if name == "." {
		return nil
	}
	link := d.Type()&fs.ModeSymlink != 0
	verdict := l.judge(name, d.IsDir() || link)
	switch {
	case verdict == out:
		l.noteLeftOut(name, d.IsDir())
		if d.IsDir() {
			return fs.SkipDir
		}
	case !d.IsDir() && !d.Type().IsRegular():
		l.blameIrregular(name, d.Type())
	case verdict == leads:
		l.pending = append(l.pending, Entry{Path: name, Dir: true})
	default:
		return l.take(name, d)
	}
	return nil
}

// judge asks all Micros, each of which has to know what is there.
func (l *listing) judge(name string, dir bool) verdict {
	best := out
	for i := range l.micros {
		best = max(best, l.micros[i].judge(name, dir))
	}
	if icon := l.Spec().Icon; l.file != nil && name == space.SpacefileName || icon != "" && name == icon && l.ignore.drops(name, dir) == nil {
		best = in
	} else if icon != "" && dir && within(icon, name) {
		best = max(best, leads)
	}
	return best
}

// take packs an entry, and the folders that lead to it.
func (l *listing) take(name string, d fs.DirEntry) error {
	for _, folder := range l.pending {
		if within(name, folder.Path) {
			l.Entries = append(l.Entries, folder)
		}
	}
	l.pending = nil
	e := Entry{Path: name, Dir: d.IsDir()}
	if !e.Dir {
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("list the project: %w", err)
		}
		e.Size = info.Size()
		l.Weight += e.Size
	}
	l.Entries = append(l.Entries, e)
	return nil
}

func (l *listing) blameIrregular(name string, mode fs.FileMode) {
	if l.irregular++; l.irregular <= maxIrregular {
		l.faults = append(l.faults, irregular(name, mode))
	}
}

// noteLeftOut remembers the folders of a Micro that look like what a build has made,
// as people have searched for such in what they had pushed.
func (l *listing) noteLeftOut(name string, dir bool) {
	for _, s := range l.micros {
		if r := s.dropped(name, dir); r != nil && r.line == 0 && within(name, s.folder) && isBuildOutput(r.pattern) {
			// The folder, even if the module in it is packed.
			before, _, _ := strings.Cut("/"+name+"/", "/"+r.pattern+"/")
			if folder := strings.TrimPrefix(before+"/"+r.pattern, "/"); !slices.Contains(l.LeftOut, folder) {
				l.LeftOut = append(l.LeftOut, folder)
			}
			return
		}
	}
}

func isBuildOutput(pattern string) bool { return slices.Contains(strings.Fields(BuildOutput), pattern) }

// check looks for what each Micro needs. The server would miss it too, but only after
// the upload.
func (l *listing) check() {
	if more := l.irregular - maxIrregular; more > 0 {
		l.faults = append(l.faults, space.Fault{Message: fmt.Sprintf("there are %d more links and the like", more)})
	}
	gone := l.MissingFolders()
	l.faults = append(l.faults, gone...)
	for i, m := range l.Spec().Micros {
		if l.blamed(gone, i) {
			continue
		}
		if m.Engine.IsStatic() {
			l.checkServed(i, m)
		} else {
			l.checkModule(i, m)
		}
	}
	if l.Spec().Icon != "" {
		l.checkIcon(l.Spec().Icon)
	}
}

// blamed tells whether the folder of a Micro has been missed.
func (l *listing) blamed(gone []space.Fault, i int) bool {
	for _, fault := range gone {
		if fault.Key == l.MicroFault(i, "src", "").Key {
			return true
		}
	}
	return false
}

func (l *listing) fault(i int, key, format string, args ...any) {
	l.faults = append(l.faults, l.MicroFault(i, key, format, args...))
}

// missing blames what is not there, or only notes it where the Micro's commands are yet to
// make it.
func (l *listing) missing(i int, m space.MicroSpec, key, format string, args ...any) {
	if l.Unbuilt && len(m.Commands) > 0 {
		l.Notes = append(l.Notes, l.MicroFault(i, key, format, args...).String())
		return
	}
	l.fault(i, key, format, args...)
}

// checkModule holds that the module is packed, and that every include means something.
func (l *listing) checkModule(i int, m space.MicroSpec) {
	file, s := module(m), &l.micros[i]
	info, err := l.root.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.missing(i, m, "run", "there is no file %s; %s", file, l.buildIt(m))
		return
	case err != nil && l.irregular > 0, err == nil && info.Mode()&fs.ModeSymlink != 0:
		return // the link has been blamed
	case err != nil:
		l.fault(i, "run", "the file %s cannot be found: %v", file, err)
		return
	case info.IsDir():
		l.fault(i, "run", "%s is a folder, and no module", file)
		return
	}
	if s.include != nil && s.included(file) != in {
		l.fault(i, "include", "leaves out the module %s; add it to the list", relative(file, m.Src))
	}
	l.checkRule(i, "run", file, false)
	for j, met := range s.met {
		if !met {
			l.missing(i, m, fmt.Sprintf("include[%d]", j), "nothing that is packed matches %s in %s; %s", strings.Join(s.include[j], "/"), m.Src, l.buildIt(m))
		}
	}
}

// checkRule blames a line of the .spaceignore that leaves out what a Micro is made of.
func (l *listing) checkRule(i int, key, name string, dir bool) bool {
	r := l.ignore.drops(name, dir)
	if r == nil {
		return false
	}
	l.faults = append(l.faults, space.Fault{File: IgnoreName, Line: r.line, Message: fmt.Sprintf(
		"%q leaves out %s, which is the `%s` of micro %q; change the line", r.pattern, name, key, l.Spec().Micros[i].Name)})
	return true
}

// checkServed holds that a static Micro has something to serve.
func (l *listing) checkServed(i int, m space.MicroSpec) {
	folder := l.Served[i]
	if folder == "" {
		l.missing(i, m, "serve", "there is no folder %s; %s, or name another with `serve`", strings.Join(m.ServeFolders(), " or "), l.buildIt(m))
		return
	}
	if folder != "." && l.checkRule(i, "serve", folder, true) {
		return
	}
	files := map[string]bool{}
	for _, e := range l.Content(i) {
		if !e.Dir {
			files[e.Path] = true
		}
	}
	if len(files) == 0 {
		l.missing(i, m, "serve", "there is no file in %s to pack; %s", folder, l.buildIt(m))
		return
	}
	if file := path.Join(folder, m.Fallback); m.Fallback != "" && !files[file] {
		l.missing(i, m, "fallback", "there is no file %s; %s", file, l.buildIt(m))
	}
}

// buildIt is the next step where a file of a Micro is missing.
func (l *listing) buildIt(m space.MicroSpec) string {
	switch {
	case len(m.Commands) == 0:
		return "build it first, or have its `commands` build it" + l.howTo(m)
	case l.built:
		return "its `commands` have run, and have not made it"
	default:
		return "its `commands` would make it: a push runs them"
	}
}

// howTo are the commands for what the Micro's folder has the source of, "" if it does
// not show.
func (l *listing) howTo(m space.MicroSpec) string {
	folder, err := fs.Sub(l.root.FS(), m.Src)
	if err != nil || m.Engine.IsStatic() {
		return ""
	}
	found, err := detectOne(folder)
	if err != nil || found == nil || len(found.Commands) == 0 || found.Run != m.Run[0] {
		return ""
	}
	quoted := make([]string, len(found.Commands))
	for i, line := range found.Commands {
		quoted[i] = strconv.Quote(line)
	}
	return fmt.Sprintf(", with `commands: [%s]`", strings.Join(quoted, ", "))
}
