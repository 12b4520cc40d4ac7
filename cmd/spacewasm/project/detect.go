package project

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// Finding is a program that was recognised in a folder, as a Spacefile would say it.
type Finding struct {
	// Folder is the program's, "." for the project's root.
	Folder string
	// What it is, in words.
	What string
	// Engine, Commands, Run and Serve are what its Micro has; "" and nil are left out.
	Engine   space.Engine
	Commands []string
	Run      string
	Serve    string
	// Notes say what has to be done before it works.
	Notes []string
}

// detector recognises a kind of program by the files of a folder; it returns nil for
// others. An error says why such a program cannot be a Micro.
type detector func(folder fs.FS) (*Finding, error)

// Detect looks for programs: at the root, else in each folder below it. The error says
// what is there and cannot be a Micro.
func Detect(project fs.FS) ([]Finding, error) {
	if found, err := detectOne(project); found != nil || err != nil {
		return asList(found), err
	}
	entries, err := fs.ReadDir(project, ".")
	if err != nil {
		return nil, fmt.Errorf("list the folder: %w", err)
	}
	ours := ourRules(NeverPacked, BuildOutput)
	var all []Finding
	var problems []error
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") || ours.drops(e.Name(), true) != nil {
			continue
		}
		folder, err := fs.Sub(project, e.Name())
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", e.Name(), err)
		}
		found, err := detectOne(folder)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", e.Name(), err))
		}
		if found != nil {
			found.Folder = e.Name()
			all = append(all, *found)
		}
	}
	return all, errors.Join(problems...)
}

func asList(found *Finding) []Finding {
	if found == nil {
		return nil
	}
	found.Folder = "."
	return []Finding{*found}
}

// detectOne recognises the program of a folder. What has a compiler comes before what
// it may have made, and pages come last, as most projects have some.
func detectOne(folder fs.FS) (*Finding, error) {
	for _, try := range []detector{detectGo, detectRust, detectC, detectModule, detectPython, detectNode, detectPages} {
		if found, err := try(folder); found != nil || err != nil {
			return found, err
		}
	}
	return nil, nil
}

// has tells whether one of the files is in the folder.
func has(folder fs.FS, names ...string) bool {
	for _, name := range names {
		if info, err := fs.Stat(folder, name); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// matching are the names of files at the root of the folder.
func matching(folder fs.FS, patterns ...string) []string {
	var names []string
	for _, pattern := range patterns {
		// The patterns are ours and well formed.
		found, _ := fs.Glob(folder, pattern)
		names = append(names, found...)
	}
	return names
}

// contains looks for a pattern in files of the folder.
func contains(folder fs.FS, pattern string, files ...string) bool {
	wanted := regexp.MustCompile(pattern)
	for _, name := range files {
		if text, err := fs.ReadFile(folder, name); err == nil && wanted.Match(text) {
			return true
		}
	}
	return false
}

// detectModule takes a module as it is.
func detectModule(folder fs.FS) (*Finding, error) {
	modules := matching(folder, "*.wasm")
	switch {
	case has(folder, space.DefaultModule):
		return &Finding{What: "the module " + space.DefaultModule, Engine: space.EngineWasm, Run: space.DefaultModule}, nil
	case len(modules) == 0:
		return nil, nil
	case len(modules) > 1:
		return nil, fmt.Errorf("there are several modules (%s), and none is called %s: rename the one that answers requests", strings.Join(modules, ", "), space.DefaultModule)
	case strings.ContainsAny(modules[0], " \t\r\n"):
		return nil, fmt.Errorf("the module %q has blanks in its name, which `run` cannot say: rename it to %s", modules[0], space.DefaultModule)
	}
	return &Finding{What: "the module " + modules[0], Engine: space.EngineWasm, Run: modules[0]}, nil
}

// detectPages takes files as they are.
func detectPages(folder fs.FS) (*Finding, error) {
	if !has(folder, "index.html") {
		return nil, nil
	}
	return &Finding{What: "pages (index.html)", Engine: space.EngineStatic, Serve: "."}, nil
}

// detectPython says what comes nearest.
func detectPython(folder fs.FS) (*Finding, error) {
	if !has(folder, "requirements.txt", "Pipfile", "pyproject.toml", "setup.py", "main.py") {
		return nil, nil
	}
	_, err := space.ParseEngine("python3.11")
	return nil, fmt.Errorf("this is a Python program: %w", err)
}

// Name is what the Micro is called, after its folder.
func (f *Finding) Name(project string) string {
	base := path.Base(f.Folder)
	if f.Folder == "." {
		base = project
	}
	name := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(base, "-"), "-_")
	if name == "" {
		return "main"
	}
	return name[:min(len(name), 64)]
}
