package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// spacefileComment begins the Spacefiles that are written.
const spacefileComment = `# The app, for spacewasm. Each micro is a program, or a folder of files, with:
#   src       its folder; what a push packs lies in there (see .spaceignore)
#   engine    wasm runs the module that run names; static, react, vue and svelte serve files
#   commands  what builds it, on your machine, at every push
#   serve     the folder below src of which the files are served
#   primary   this one answers at /, the others at /<path>, which is their name unless given
# Add "public: true" to let everybody in; without it only you get in.
`

// describeProject writes a Spacefile for what is found in a folder.
func (c *cli) describeProject(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, space.SpacefileName)); err == nil {
		return hint(fmt.Errorf("%s is not empty, and has a Spacefile already", dir),
			"`spacewasm validate` tells whether it can be pushed; a new project goes into a folder that is not there yet")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("find the Spacefile: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the folder: %w", err)
	}
	defer root.Close()
	found, err := project.Detect(root.FS())
	if err != nil {
		return hint(err, "no Spacefile was written")
	}
	if err := countable(dir, found); err != nil {
		return err
	}
	text := spacefileText(folderName(dir), found)
	if _, err := space.ParseSpacefile([]byte(text)); err != nil {
		return fmt.Errorf("describe the project: %w", err)
	}
	file, err := root.OpenFile(space.SpacefileName, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write the Spacefile: %w", err)
	}
	_, err = file.WriteString(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write the Spacefile: %w", err)
	}
	return c.printFound(dir, found)
}

// folderName is what a folder is called; the current one may be gone.
func folderName(dir string) string {
	if path, err := filepath.Abs(dir); err == nil {
		return filepath.Base(path)
	}
	return filepath.Base(dir)
}

// countable tells whether what was found makes an app.
func countable(dir string, found []project.Finding) error {
	var folders []string
	for _, f := range found {
		folders = append(folders, f.Folder)
	}
	switch {
	case len(found) == 0:
		return hint(fmt.Errorf("%s: nothing is found here that could be a Micro", dir),
			"`spacewasm new --help` lists what is; --template begins a project in a folder of its own")
	case len(found) > space.MaxMicros:
		return hint(fmt.Errorf("%s: there are %d programs (%s); an app has at most %d Micros", dir, len(found), strings.Join(folders, ", "), space.MaxMicros),
			"no Spacefile was written: split the project into several apps, or write one by hand")
	}
	return nil
}

// primary is the finding that answers at the root of the app: pages, if there are.
func primary(found []project.Finding) int {
	for i, f := range found {
		if f.Engine.IsStatic() {
			return i
		}
	}
	return 0
}

// spacefileText writes down what was found.
func spacefileText(app string, found []project.Finding) string {
	var b strings.Builder
	b.WriteString(spacefileComment + "v: 0\nmicros:\n")
	first, used := primary(found), map[string]bool{}
	for i, f := range found {
		name := f.Name(app)
		for base, n := name, 2; used[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%.60s-%d", base, n)
		}
		used[strings.ToLower(name)] = true
		fmt.Fprintf(&b, "  - name: %s\n    src: %s\n    engine: %s\n", yamlText(name), yamlText(f.Folder), f.Engine)
		if i == first {
			b.WriteString("    primary: true\n")
		}
		if len(f.Commands) > 0 {
			b.WriteString("    commands:\n")
		}
		for _, command := range f.Commands {
			fmt.Fprintf(&b, "      - %s\n", yamlText(command))
		}
		if f.Run != "" {
			fmt.Fprintf(&b, "    run: %s\n", yamlText(f.Run))
		}
		if f.Serve != "" {
			fmt.Fprintf(&b, "    serve: %s\n", yamlText(f.Serve))
		}
	}
	return b.String()
}

// yamlText writes a text as YAML: as it is where that is plain, else in the quotes that
// JSON and YAML have in common.
func yamlText(s string) string {
	for _, r := range s {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./ =+", r) {
			return strconv.Quote(s)
		}
	}
	if s == "" || !strings.ContainsAny(s[:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.") || plainOther(s) {
		return strconv.Quote(s)
	}
	return s
}

// plainOther tells whether YAML takes a plain text for something else than a text.
func plainOther(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n", ".inf", ".nan":
		return true
	}
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}

// printFound says what was found, and what to do next.
func (c *cli) printFound(dir string, found []project.Finding) error {
	fmt.Fprintf(c.out, "wrote %s; found:\n", escape(filepath.Join(dir, space.SpacefileName)))
	var notes []string
	for _, f := range found {
		fmt.Fprintf(c.out, "  %s: %s\n", escape(f.Folder), escape(f.What))
		for _, note := range f.Notes {
			if f.Folder != "." {
				note = f.Folder + ": " + note
			}
			notes = append(notes, note)
		}
	}
	for _, note := range notes {
		fmt.Fprintf(c.out, "note: %s\n", escape(note))
	}
	_, err := fmt.Fprintf(c.out, "next:\n\n  cd %s\n  spacewasm push\n", escape(dir))
	return err
}
