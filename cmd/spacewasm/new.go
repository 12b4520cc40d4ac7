package main

import (
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

const newLong = `Make a new project: a folder with a Spacefile, and the source of a Micro that answers.

  go   a handler in Go, with a copy of the SDK in the folder micro: it needs nothing
       but Go to build, here or elsewhere, and runs natively by "go run ."
  c    a CGI program in C, without any library

The app is named after the folder. What to do next is printed.`

//go:embed all:templates
var templates embed.FS

// template is a kind of project.
type template struct {
	build string
	sdk   bool
}

func projectTemplates() map[string]template {
	return map[string]template{
		"go": {build: "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm .", sdk: true},
		"c":  {build: "clang --target=wasm32-wasi -Os -o main.wasm main.c"},
	}
}

func newNew(c *cli) *cobra.Command {
	kind := "go"
	cmd := &cobra.Command{
		Use:     "new DIR",
		Short:   "Make a new project",
		Long:    newLong,
		Example: "  spacewasm new hello\n  spacewasm new --template c hello",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			t, ok := projectTemplates()[kind]
			if !ok {
				return usagef("--template %q: there are %s", kind, strings.Join(slices.Sorted(maps.Keys(projectTemplates())), ", "))
			}
			return c.newProject(args[0], kind, t)
		},
	}
	cmd.Flags().StringVar(&kind, "template", kind, "what it is made of: go or c")
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
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return hint(fmt.Errorf("%s is not empty", dir), "name a folder that is not there yet")
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	source, err := fs.Sub(templates, "templates/"+kind)
	if err == nil {
		err = copyTree(dir, source, string(name))
	}
	if err == nil && t.sdk {
		err = copyTree(filepath.Join(dir, "micro"), wasi.SDK(), string(name))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "made %s; next:\n\n  cd %s\n  %s\n  spacewasm push\n", escape(dir), escape(dir), t.build)
	return nil
}

// copyTree writes files into a folder. In their names a leading underscore stands for a
// dot, a trailing one for nothing, and in them NAME for the project's.
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
		return os.WriteFile(target, []byte(strings.ReplaceAll(string(text), "NAME", name)), 0o644)
	})
}
