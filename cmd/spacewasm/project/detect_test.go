package project_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
)

const (
	goCGI  = "package main\n\nimport _ \"net/http/cgi\"\n\nfunc main() {}\n"
	goSDK  = "package main\n\nimport \"github.com/spacewasm/spacewasm/wasi/micro\"\n\nfunc main() { micro.Serve(nil) }\n"
	nodeOf = `{"scripts": {"build": "x"}, "dependencies": {%s}}`
)

func TestNewDetects(t *testing.T) {
	pkg := func(dependency string) string { return fmt.Sprintf(nodeOf, `"`+dependency+`": "1", "vite": "1"`) }
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string // engine, commands, run, serve
		says  string
	}{
		{"go", map[string]string{"go.mod": "module x", "main.go": goCGI, "index.html": "", "package.json": "{}"}, "wasm GOOS=wasip1 GOARCH=wasm go build -o main.wasm . main.wasm /", "a program in Go\n"},
		{"go with the SDK", map[string]string{"go.mod": "module x", "main.go": goSDK}, "wasm GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o main.wasm . main.wasm /", "a handler in Go"},
		{"go that listens", map[string]string{"go.mod": "module x", "main.go": "package main\nimport _ \"net/http\"\n"}, "wasm GOOS=wasip1 GOARCH=wasm go build -o main.wasm . main.wasm /", "it does not import net/http/cgi"},
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
			found, err := project.Detect(os.DirFS(tree(t, tc.files)))
			must(t, err)
			if len(found) != 1 || found[0].Folder != "." {
				t.Fatalf("found %v", found)
			}
			f := found[0]
			if got := fmt.Sprintf("%s %s %s /%s", f.Engine, strings.Join(f.Commands, "; "), f.Run, f.Serve); got != tc.want {
				t.Errorf("got\n%q, want\n%q", got, tc.want)
			}
			wants(t, f.What+"\n"+strings.Join(f.Notes, "\n"), tc.says)
		})
	}
}
