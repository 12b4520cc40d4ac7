package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	goCGI  = "package main\n\nimport _ \"net/http/cgi\"\n\nfunc main() {}\n"
	goSDK  = "package main\n\nimport \"github.com/spacewasm/spacewasm/wasi/micro\"\n\nfunc main() { micro.Serve(nil) }\n"
	nodeOf = `{"scripts": {"build": "x"}, "dependencies": {%s}}`
)

// described is the Spacefile that new writes for files, and what it prints.
func described(t *testing.T, files map[string]string) (*space.Spacefile, string) {
	t.Helper()
	dir := tree(t, files)
	k := newConsole(t)
	k.run(t, 0, "new", dir)
	text, err := os.ReadFile(filepath.Join(dir, space.SpacefileName))
	must(t, err)
	if !strings.HasPrefix(string(text), "# ") {
		t.Errorf("no comment:\n%s", text)
	}
	file, err := space.ParseSpacefile(text)
	must(t, err)
	return file, k.out.String()
}

func TestNewDetectsFolders(t *testing.T) {
	file, says := described(t, map[string]string{
		"README.md": "", "Backend API/go.mod": "module x", "Backend API/main.go": goCGI, "site/index.html": "", "node_modules/x/index.html": "",
		"docs/x.md": "", "no/main.wasm": "", ".hidden/index.html": "", "dist/index.html": "",
	})
	var got []string
	for _, m := range file.Micros {
		got = append(got, fmt.Sprintf("%s=%s%s", m.Name, m.Src, m.Path))
	}
	if want := "Backend-API=Backend API/Backend-API no=no/no site=site/"; strings.Join(got, " ") != want {
		t.Errorf("found %q, want %q", got, want)
	}
	wants(t, says, "  Backend API: a program in Go\n", "  site: pages")
}

func TestNewRefuses(t *testing.T) {
	many := map[string]string{}
	for _, name := range strings.Split("abcdef", "") {
		many[name+"/index.html"] = ""
	}
	for _, tc := range []struct {
		files map[string]string
		want  string
	}{
		{many, "there are 6 programs (a, b, c, d, e, f); an app has at most 5"},
		{map[string]string{"x.md": ""}, "nothing is found here that could be a Micro"},
		{map[string]string{"package.json": fmt.Sprintf(nodeOf, `"next": "1", "react": "1"`)}, "`output: 'export'`"},
		{map[string]string{"package.json": fmt.Sprintf(nodeOf, `"nuxt": "1", "vue": "1"`)}, "npx nuxt generate"},
		{map[string]string{"package.json": fmt.Sprintf(nodeOf, `"@sveltejs/kit": "1", "vite": "1"`)}, "adapter-static"},
		{map[string]string{"package.json": fmt.Sprintf(nodeOf, `"express": "1", "react": "1"`)}, "there is no Node.js here"},
		{map[string]string{"package.json": "{"}, "the package.json cannot be read"},
		{map[string]string{"requirements.txt": "", "index.html": ""}, "there is no Python here"},
		{map[string]string{"a/main.py": "", "b/index.html": "", "c/package.json": "{}"}, "c: this is a program for Node.js"},
		{map[string]string{"go.mod": "module x", "lib.go": "package lib"}, "no package main"},
		{map[string]string{"Cargo.toml": "[workspace]\n"}, "names no package"},
		{map[string]string{"a.wasm": "", "b.wasm": ""}, "several modules (a.wasm, b.wasm)"},
		{map[string]string{"a b.wasm": ""}, "blanks in its name"},
	} {
		dir := tree(t, tc.files)
		k := newConsole(t)
		k.run(t, 1, "new", dir)
		wants(t, k.err.String(), tc.want)
		if _, err := os.Lstat(filepath.Join(dir, space.SpacefileName)); err == nil {
			t.Errorf("%q: a Spacefile was written", tc.want)
		}
	}
}

// A Spacefile is never written over, also not through a link.
func TestNewKeepsSpacefiles(t *testing.T) {
	dir := tree(t, map[string]string{"Spacefile": "mine", "index.html": ""})
	k := newConsole(t)
	k.run(t, 1, "new", dir)
	wants(t, k.err.String(), "not empty, and has a Spacefile already")
	text, err := os.ReadFile(filepath.Join(dir, "Spacefile"))
	must(t, err)
	if string(text) != "mine" {
		t.Errorf("it is now %q", text)
	}
	target := filepath.Join(t.TempDir(), "elsewhere")
	dir = tree(t, map[string]string{"index.html": ""})
	must(t, os.Symlink(target, filepath.Join(dir, "Spacefile")))
	k.run(t, 1, "new", dir)
	if _, err := os.Lstat(target); err == nil {
		t.Error("it was written through a link")
	}
}

// Names of folders are anything.
func TestYAMLText(t *testing.T) {
	for _, s := range []string{"a", "true", "NO", "1", "1.5", "-", "- a", "a: b", "a #b", "#", ".", ".5", "é\"'", "a\nb", "[x]", "*.c", "null", "~", " a", "1e3", "0x1f", "a\\b"} {
		text := "v: 0\nmicros:\n  - name: a\n    src: .\n    engine: wasm\n    dev: " + yamlText(s) + "\n"
		file, err := space.ParseSpacefile([]byte(text))
		if err != nil || file.Micros[0].Dev != s {
			t.Errorf("%q became %s: %v %v", s, yamlText(s), file, err)
		}
	}
}

// A template that has nothing to build can be pushed as it is.
func TestStaticTemplate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "My site")
	k := newConsole(t)
	k.run(t, 0, "new", "--template", "static", dir)
	wants(t, k.out.String(), "cd "+dir+"\n  spacewasm dev ", "\n  spacewasm push ")
	k.run(t, 0, "validate", dir)
	headers := packed(t, dir)
	if got, want := names(headers), "Spacefile public/ public/index.html public/script.js public/style.css"; got != want {
		t.Errorf("packed %s, want %s", got, want)
	}
}
