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

func TestNewDetects(t *testing.T) {
	pkg := func(dependency string) string { return fmt.Sprintf(nodeOf, `"`+dependency+`": "1", "vite": "1"`) }
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string // engine, commands, run, serve
		says  string
	}{
		{"go", map[string]string{"go.mod": "module x", "main.go": goCGI, "index.html": "", "package.json": "{}"}, "wasm GOOS=wasip1 GOARCH=wasm go build -o main.wasm . main.wasm /", ".: a program in Go\n"},
		{"go with the SDK", map[string]string{"go.mod": "module x", "main.go": goSDK}, "wasm GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm . main.wasm /", "a handler in Go"},
		{"go that listens", map[string]string{"go.mod": "module x", "main.go": "package main\nimport _ \"net/http\"\n"}, "wasm GOOS=wasip1 GOARCH=wasm go build -o main.wasm . main.wasm /", "note: it does not import net/http/cgi"},
		{"rust", map[string]string{"Cargo.toml": "[package]\nname = \"my-app\" # x\n", "src/main.rs": ""}, "wasm cargo build --target wasm32-wasip1 --release target/wasm32-wasip1/release/my-app.wasm /", "rustup target add"},
		{"rust library", map[string]string{"Cargo.toml": "[dependencies]\nname = 'no'\n[package]\nname = 'my-lib'\n", "src/lib.rs": ""}, "wasm cargo build --target wasm32-wasip1 --release target/wasm32-wasip1/release/my_lib.wasm /", ""},
		{"rust bin", map[string]string{"Cargo.toml": "[package]\nname = 'a'\n[[bin]]\nname = 'server'\n", "src/main.rs": ""}, "wasm cargo build --target wasm32-wasip1 --release target/wasm32-wasip1/release/server.wasm /", ""},
		{"c", map[string]string{"main.c": "", "Makefile": ""}, "wasm clang --target=wasm32-wasi -Os -o main.wasm *.c main.wasm /", "if Makefile does more"},
		{"c handler", map[string]string{"src/a.c": "void handle_request(void);", "CMakeLists.txt": ""}, "wasm clang --target=wasm32-wasi -Os -mexec-model=reactor -o main.wasm src/*.c main.wasm /", "a handler in C"},
		{"c++", map[string]string{"a.cpp": ""}, "wasm clang++ --target=wasm32-wasi -Os -o main.wasm *.cpp main.wasm /", "C++"},
		{"module", map[string]string{"main.wasm": "", "other.wasm": ""}, "wasm  main.wasm /", "the module main.wasm"},
		{"named module", map[string]string{"app.wasm": "", "index.html": ""}, "wasm  app.wasm /", "the module app.wasm"},
		{"react", map[string]string{"package.json": pkg("react"), "index.html": ""}, "react npm run build  /dist", "npm install"},
		{"cra", map[string]string{"package.json": pkg("react-scripts"), "yarn.lock": ""}, "react yarn run build  /build", "React"},
		{"react alone", map[string]string{"package.json": `{"devDependencies": {"react": "1"}}`}, "react npm run build  /", "has no script `build`"},
		{"vue", map[string]string{"package.json": pkg("vue"), "pnpm-lock.yaml": ""}, "vue pnpm run build  /dist", "Vue"},
		{"svelte", map[string]string{"package.json": pkg("svelte")}, "svelte npm run build  /dist", "Svelte"},
		{"vite", map[string]string{"package.json": pkg("x")}, "static npm run build  /dist", "a front end"},
		{"pages", map[string]string{"index.html": "", "package.json": "{}"}, "static   /.", "pages"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file, says := described(t, tc.files)
			m := file.Micros[0]
			if got := fmt.Sprintf("%s %s %s /%s", m.Engine, strings.Join(m.Commands, "; "), strings.Join(m.Run, " "), m.Serve); got != tc.want {
				t.Errorf("got\n%q, want\n%q", got, tc.want)
			}
			wants(t, says, tc.says, "spacewasm push")
		})
	}
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
	_, headers := packed(t, dir)
	if got, want := names(headers), "Spacefile public/ public/index.html public/script.js public/style.css"; got != want {
		t.Errorf("packed %s, want %s", got, want)
	}
}
