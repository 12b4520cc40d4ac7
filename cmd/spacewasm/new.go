package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

const newLong = `Make a new project, or make one of what is there.

In a folder that is new or empty: a Spacefile, and the source of a Micro that answers,
of the kind that --template names.

  go      a handler in Go, with a copy of the SDK in the folder micro: it needs nothing
          but Go to build, here or elsewhere, and runs natively by "go run ."
  go-sqlite
          a handler in Go that searches in a database of SQLite's, data.db, which it
          brings along: a copy of micro/sqlite is in the folder, too. For a Micro
          nothing else is needed; natively the go command loads modernc.org/sqlite
  c       a CGI program in C, without any library; with spacewasm_sqlite.h, the header for
          databases of SQLite's, and an example of its use in main.c
  static  pages, which are served as they are

In a folder with a program, and without --template: only a Spacefile, for what is found
at its root, or else in each folder below that, which become a Micro each. Found are Go
(go.mod), Rust (Cargo.toml), C and C++, front ends with React, Vue, Svelte or vite
(package.json), modules (*.wasm) and pages (index.html). A Spacefile that is there is
never written over.

The app is named after the folder. What to do next is printed.`

//go:embed all:templates
var templates embed.FS

// template is a kind of project.
type template struct {
	sdk    bool // it has a copy of the SDK
	sqlite bool // and of the driver for databases
	header bool // it has the header for databases
}

func projectTemplates() map[string]template {
	return map[string]template{
		"go":        {sdk: true},
		"go-sqlite": {sdk: true, sqlite: true},
		"c":         {header: true},
		"static":    {},
	}
}

func newNew(c *cli) *cobra.Command {
	const usual = "go"
	kind := usual
	cmd := &cobra.Command{
		Use:     "new DIR",
		Short:   "Make a new project",
		Long:    newLong,
		Example: "  spacewasm new hello\n  spacewasm new --template c hello\n  spacewasm new .",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if full, err := holdsFiles(args[0]); err != nil {
				return err
			} else if full && !cmd.Flags().Changed("template") {
				return c.describeProject(args[0])
			}
			t, ok := projectTemplates()[kind]
			if !ok {
				return usagef("--template %q: there are %s", kind, strings.Join(slices.Sorted(maps.Keys(projectTemplates())), ", "))
			}
			return c.newProject(args[0], kind, t)
		},
	}
	cmd.Flags().StringVar(&kind, "template", kind, "what it is made of: go, go-sqlite, c or static")
	return cmd
}

// newProject makes a project in a folder that is not there yet, or empty.
func (c *cli) newProject(dir, kind string, t template) error {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	name, err := space.SuggestAppName(filepath.Base(absolute))
	if err != nil {
		return hint(err, "give the folder a name that an app can have")
	}
	if full, err := holdsFiles(dir); err != nil {
		return err
	} else if full {
		return hint(fmt.Errorf("%s is not empty", dir), "name a folder that is not there yet; without --template a Spacefile is made for what is there")
	}
	source, err := fs.Sub(templates, "templates/"+kind)
	if err == nil {
		err = copyTree(dir, source, string(name))
	}
	if err == nil && t.sdk {
		err = copyTree(filepath.Join(dir, "micro"), wasi.SDK(), string(name))
	}
	if err == nil && t.sqlite {
		err = copyTree(filepath.Join(dir, "micro", "sqlite"), wasi.SDKSQLite(), string(name))
	}
	if err == nil && t.header {
		err = copyTree(dir, wasi.HeaderSQLite(), string(name))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "made %s; next:\n\n  cd %s\n  spacewasm dev     # builds and serves it here, and again when you change a file\n  spacewasm push    # puts it on a server\n", escape(dir), escape(dir))
	return nil
}

// holdsFiles tells whether something but a repository of git's is in a folder.
func holdsFiles(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != ".git" }), nil
}

// copyTree writes files into a folder. In their names a leading underscore stands for a
// dot, a trailing one for nothing, and in those that are texts NAME for the project's.
func copyTree(dir string, source fs.FS, name string) error {
	return fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, strings.TrimSuffix(path, "_"))
		if strings.HasPrefix(filepath.Base(target), "_") {
			target = filepath.Join(filepath.Dir(target), "."+filepath.Base(target)[1:])
		}
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := fs.ReadFile(source, path)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte{0}) {
			text = bytes.ReplaceAll(text, []byte("NAME"), []byte(name))
		}
		return os.WriteFile(target, text, 0o644)
	})
}
