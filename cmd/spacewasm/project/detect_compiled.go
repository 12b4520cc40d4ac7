package project

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// sdkPath is the SDK's import path; projects from `spacewasm new` have a copy of it.
const sdkPath = "github.com/spacewasm/spacewasm/wasi/micro"

// detectGo takes a module of Go, as a handler if it uses the SDK.
func detectGo(folder fs.FS) (*Finding, error) {
	if !has(folder, "go.mod") {
		return nil, nil
	}
	name, imports := goProgram(folder)
	if name != "main" {
		return nil, errors.New("there is a go.mod, and no package main beside it: run this in the folder of a program, or write the Spacefile by hand, with `commands` that build it")
	}
	sdk := func(p string) bool {
		return p == sdkPath || path.Base(p) == "micro" && has(folder, "micro/micro.go")
	}
	f := &Finding{What: "a program in Go", Engine: space.EngineWasm, Run: space.DefaultModule}
	build := "GOOS=wasip1 GOARCH=wasm go build -o main.wasm ."
	switch {
	case slices.ContainsFunc(imports, sdk):
		f.What = "a handler in Go"
		build = "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm ."
	case !slices.Contains(imports, "net/http/cgi"):
		f.Notes = append(f.Notes, "it does not import net/http/cgi: a Micro listens on no port, so main has to call cgi.Serve(handler) or speak CGI itself")
	}
	f.Commands = []string{build}
	return f, nil
}

// goProgram reads the package clause and the imports of a folder's files.
func goProgram(folder fs.FS) (name string, imports []string) {
	for _, file := range matching(folder, "*.go") {
		text, err := fs.ReadFile(folder, file)
		if err != nil || strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			continue
		}
		if name == "" || parsed.Name.Name == "main" {
			name = parsed.Name.Name
		}
		for _, spec := range parsed.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err == nil {
				imports = append(imports, p)
			}
		}
	}
	return name, imports
}

// detectRust takes a package of Cargo's.
func detectRust(folder fs.FS) (*Finding, error) {
	text, err := fs.ReadFile(folder, "Cargo.toml")
	if err != nil {
		return nil, nil //nolint:nilerr // none there
	}
	artefact := cargoName(string(text), has(folder, "src/main.rs"))
	if artefact == "" {
		return nil, errors.New("the Cargo.toml names no package: run this in the folder of a package, or write the Spacefile by hand, with `commands` that build it")
	}
	const target = "wasm32-wasip1"
	return &Finding{
		What: "a package in Rust", Engine: space.EngineWasm,
		Commands: []string{"cargo build --target " + target + " --release"},
		Run:      "target/" + target + "/release/" + artefact + ".wasm",
		Notes:    []string{"rustup target add " + target + ", where that target is not installed"},
	}, nil
}

// cargoName is the name of what Cargo builds of a package, "" if the text shows none. A
// library's file has underscores for hyphens.
func cargoName(text string, program bool) string {
	name := tomlName(text, `package`)
	if bin := tomlName(text, `[bin]`); bin != "" {
		return bin
	}
	if program {
		return name
	}
	if lib := tomlName(text, `lib`); lib != "" {
		name = lib
	}
	return strings.ReplaceAll(name, "-", "_")
}

// tomlName finds the key name of a section. The few files that write it another way
// are left to their authors.
func tomlName(text, section string) string {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			header, _, _ := strings.Cut(line, "#")
			inside = strings.TrimSpace(header) == "["+section+"]"
		}
		if found := regexp.MustCompile(`^name\s*=\s*["']([A-Za-z0-9_-]+)["']`).FindStringSubmatch(line); inside && found != nil {
			return found[1]
		}
	}
	return ""
}

// detectC takes sources in C or C++, with or without a build of their own.
func detectC(folder fs.FS) (*Finding, error) {
	if has(folder, "package.json", "setup.py", "pyproject.toml", "requirements.txt") {
		return nil, nil // these are parts of something else
	}
	sources := matching(folder, "*.c", "src/*.c")
	compiler := "clang"
	if len(sources) == 0 {
		sources = matching(folder, "*.cpp", "*.cc", "src/*.cpp", "src/*.cc")
		compiler = "clang++"
	}
	if len(sources) == 0 {
		return nil, nil
	}
	pattern := path.Join(path.Dir(sources[0]), "*"+path.Ext(sources[0]))
	f := &Finding{What: "a program in C", Engine: space.EngineWasm, Run: space.DefaultModule}
	if compiler == "clang++" {
		f.What = "a program in C++"
	}
	options := "-Os"
	if contains(folder, `\bhandle_request\b`, sources...) {
		f.What = strings.Replace(f.What, "program", "handler", 1)
		options = "-Os -mexec-model=reactor"
	}
	f.Commands = []string{fmt.Sprintf("%s --target=wasm32-wasi %s -o main.wasm %s", compiler, options, pattern)}
	for _, build := range []string{"CMakeLists.txt", "Makefile", "makefile", "GNUmakefile"} {
		if has(folder, build) {
			f.Notes = append(f.Notes, "the command compiles "+pattern+" only; if "+build+" does more, write its line, with clang and --target=wasm32-wasi")
			break
		}
	}
	return f, nil
}
