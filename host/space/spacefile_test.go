package space_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spacewasm/spacewasm/host/space"
)

const oneMicro = "v: 0\nmicros:\n  - name: one\n    src: .\n    engine: wasm\n"

func TestParseSpacefile(t *testing.T) {
	main := []string{"main.wasm"}
	for name, c := range map[string]struct {
		text string
		want []space.MicroSpec
	}{
		"the least": {oneMicro, []space.MicroSpec{
			{Name: "one", Src: ".", Engine: "wasm", Run: main, Primary: true, Path: "/", Line: 3, Column: 5},
		}},
		"everything": {
			"# comment\nv: 0\nmicros:\n  - name: Front_end-1\n    src: ./web/\n    engine: wasm\n    run: ./bin/app.wasm  --flag  x\n" +
				"    primary: true\n    path: /ignored\n    public: true\n" +
				"  - {name: api, src: a/../b, engine: wasm, path: v1/api/, public: false, primary: false}\n" +
				"  - {name: Worker, src: c, engine: wasm}\n",
			[]space.MicroSpec{
				{Name: "Front_end-1", Src: "web", Engine: "wasm", Run: []string{"bin/app.wasm", "--flag", "x"}, Primary: true, Path: "/", Public: true, Line: 4, Column: 5},
				{Name: "api", Src: "b", Engine: "wasm", Run: main, Path: "/v1/api", Line: 11, Column: 5},
				{Name: "Worker", Src: "c", Engine: "wasm", Run: main, Path: "/Worker", Line: 12, Column: 5},
			},
		},
		"JSON": {`{"v": 0, "micros": [{"name": "one", "src": ".", "engine": "wasm"}]}`, []space.MicroSpec{
			{Name: "one", Src: ".", Engine: "wasm", Run: main, Primary: true, Path: "/", Line: 1, Column: 21},
		}},
		"a name of digits": {strings.Replace(oneMicro, "one", "42", 1), []space.MicroSpec{
			{Name: "42", Src: ".", Engine: "wasm", Run: main, Primary: true, Path: "/", Line: 3, Column: 5},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := space.ParseSpacefile([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(file.Micros, c.want) {
				t.Errorf("got %+v\nwant %+v", file.Micros, c.want)
			}
		})
	}
}

// micro is a Spacefile of one Micro with another line, the sixth.
func micro(line string) string { return oneMicro + "    " + line + "\n" }

// faults are the texts of what is wrong with a Spacefile.
func faults(t *testing.T, text string) []string {
	t.Helper()
	_, err := space.ParseSpacefile([]byte(text))
	var e *space.Error
	if !errors.As(err, &e) || e.Code != space.CodeRefused {
		t.Fatalf("not refused: %v", err)
	}
	var all []string
	for _, f := range e.Faults {
		if f.Line > 1 && f.Column == 0 && !strings.Contains(f.Message, "YAML") {
			t.Errorf("%s has a line and no column", f)
		}
		f.Column = 0 // TestSpacefileColumns looks at these
		all = append(all, f.String())
	}
	return all
}

func TestSpacefileColumns(t *testing.T) {
	_, err := space.ParseSpacefile([]byte("v: 0\nmicros:\n  - {name: a b, src: ., engine: wasm, x: 1}\n"))
	want := "2 faults:\nSpacefile:3:12: micros[0].name: \"a b\": "
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "\nSpacefile:3:39: micros[0].x: unknown key") {
		t.Errorf("got %v", err)
	}
}

// Each fault is reported at its line and key, and nothing else is.
func TestSpacefileFaults(t *testing.T) {
	two := oneMicro + "  - name: two\n    src: b\n    engine: wasm\n"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":                {"", []string{"Spacefile:1: is empty"}},
		"comments only":        {"# nothing\n", []string{"Spacefile:1: is empty"}},
		"not YAML":             {"v: 0\nmicros: [\n", []string{"Spacefile:2: is not YAML"}},
		"tab":                  {"v: 0\n\tmicros: x\n", []string{"Spacefile:2: is not YAML"}},
		"two documents":        {oneMicro + "---\nv: 0\n", []string{"Spacefile: holds more than one"}},
		"too large":            {oneMicro + strings.Repeat("#", 64<<10), []string{"Spacefile: is larger than 64 KiB"}},
		"a list":               {"- v: 0\n", []string{"Spacefile:1: want a mapping", "Spacefile:1: v: is missing"}},
		"no version":           {strings.TrimPrefix(oneMicro, "v: 0\n"), []string{"Spacefile:1: v: is missing; write `v: 0`"}},
		"another version":      {strings.Replace(oneMicro, "0", "1", 1), []string{"Spacefile:1: v: want 0"}},
		"version as a text":    {strings.Replace(oneMicro, "0", `"0"`, 1), []string{"Spacefile:1: v: want 0"}},
		"no micros":            {"v: 0\n", []string{"Spacefile:1: micros: is missing or empty; an app has 1 to 5 micros"}},
		"micros empty":         {"v: 0\nmicros: []\n", []string{"Spacefile:2: micros: want a list of 1 to 5"}},
		"micros no list":       {"v: 0\nmicros:\n  a: b\n", []string{"Spacefile:3: micros: want a list of 1 to 5"}},
		"six micros":           {"v: 0\nmicros:" + strings.Repeat("\n - {name: a, src: b, engine: wasm}", 6), []string{"Spacefile:3: micros: want a list of 1 to 5"}},
		"a micro is a text":    {"v: 0\nmicros:\n  - hello\n", []string{"Spacefile:3: micros[0]: want a mapping", "name: is missing", "src: is missing", "engine: is missing"}},
		"unknown key":          {oneMicro + "runtime: x\n", []string{"Spacefile:6: runtime: unknown key; known here: app_name, auto_pwa, icon, micros, v"}},
		"unknown key of micro": {micro("runtime: x"), []string{"Spacefile:6: micros[0].runtime: unknown key; known here: actions, commands, dev, engine, "}},
		"key of another case":  {micro("Public: true"), []string{"Spacefile:6: micros[0].Public: unknown key"}},
		"key twice":            {micro("src: b"), []string{"Spacefile:6: micros[0].src: is given twice"}},
		"version twice":        {oneMicro + "v: 0\n", []string{"Spacefile:6: v: is given twice"}},
		"anchor":               {strings.Replace(oneMicro, "src: .", "src: &x .", 1), []string{"Spacefile:4: micros[0].src: anchors and aliases", "src: is missing"}[:1]},
		"merge key":            {micro("<<: {public: true}"), []string{"Spacefile:6: micros[0].<<: unknown key"}},
		"nothing in it":        {"v: 0\nmicros:\n  - {}\n", []string{"Spacefile:3: micros[0].name: is missing", "Spacefile:3: micros[0].src: is missing", "Spacefile:3: micros[0].engine: is missing"}},
		"name of null":         {strings.Replace(oneMicro, "one", "~", 1), []string{"Spacefile:3: micros[0].name: want a text"}},
		"name with a blank":    {strings.Replace(oneMicro, "one", "a b", 1), []string{`Spacefile:3: micros[0].name: "a b": want at most 64`}},
		"name too long":        {strings.Replace(oneMicro, "one", strings.Repeat("x", 65), 1), []string{"micros[0].name"}},
		"name from a hyphen":   {strings.Replace(oneMicro, "one", "-a", 1), []string{"micros[0].name"}},
		"name is a list":       {strings.Replace(oneMicro, "one", "[a]", 1), []string{"Spacefile:3: micros[0].name: want a text"}},
		"name twice":           {strings.Replace(two, "two", "ONE\n    primary: true", 1), []string{`Spacefile:6: micros[1].name: micro names have to be unique, and "ONE" is used twice`}},
		"src above":            {strings.Replace(oneMicro, "src: .", "src: a/../..", 1), []string{`Spacefile:4: micros[0].src: "a/../.." leads out of the project`}},
		"src absolute":         {strings.Replace(oneMicro, "src: .", "src: /etc", 1), []string{`Spacefile:4: micros[0].src: "/etc": want a folder within`}},
		"src with backslash":   {strings.Replace(oneMicro, "src: .", `src: a\b`, 1), []string{"Spacefile:4: micros[0].src"}},
		"src with NUL":         {strings.Replace(oneMicro, "src: .", `src: "a\0b"`, 1), []string{"Spacefile:4: micros[0].src"}},
		"src empty":            {strings.Replace(oneMicro, "src: .", `src: ""`, 1), []string{"Spacefile:4: micros[0].src: want a text"}},
		"another engine":       {strings.Replace(oneMicro, "wasm", "python3.9", 1), []string{`Spacefile:5: micros[0].engine: "python3.9" is not supported`}},
		"run names nothing":    {micro(`run: "  "`), []string{"Spacefile:6: micros[0].run: names no module"}},
		"run above":            {micro("run: ../x.wasm"), []string{`Spacefile:6: micros[0].run: "../x.wasm" leads out`}},
		"primary no bool":      {micro("primary: 1"), []string{"Spacefile:6: micros[0].primary: want true or false"}},
		"public as a text":     {micro(`public: "true"`), []string{"Spacefile:6: micros[0].public: want true or false"}},
		"public of YAML 1.1":   {micro("public: yes"), []string{"Spacefile:6: micros[0].public: want true or false"}},
		"path of null":         {micro("path:"), []string{"Spacefile:6: micros[0].path: want a text"}},
		"no primary":           {two, []string{"Spacefile: micros: no primary micro"}},
		"two primaries":        {strings.ReplaceAll(two, "engine: wasm", "engine: wasm\n    primary: true"), []string{"Spacefile: micros: multiple primary micros"}},
		"several at once": {
			"v: 2\nmicros:\n  - name: a b\n    src: ../x\n    engine: node\n    x: 1\n",
			[]string{"Spacefile:1: v:", "Spacefile:3: micros[0].name:", "Spacefile:4: micros[0].src:", "Spacefile:5: micros[0].engine:", "Spacefile:6: micros[0].x:"},
		},
	} {
		t.Run(name, func(t *testing.T) { checkFaults(t, faults(t, c.text), c.want) })
	}
}

func checkFaults(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %q, want %d faults as %q", got, len(want), want)
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got %q, want %q in it", got[i], want[i])
		}
	}
}

// An app of whose Spacefile nobody reads a word is refused, rather than public.
func TestMisnamedSpacefile(t *testing.T) {
	for _, name := range []string{"Spacefile.yaml", "Spacefile.yml", "spacefile", "SPACEFILE.YAML"} {
		err := space.CheckMisnamed(fstest.MapFS{name: {}, "main.wasm": {}})
		if refused := space.AsError(err); refused.Code != space.CodeRefused || len(refused.Faults) != 1 || refused.Faults[0].File != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := space.CheckMisnamed(fstest.MapFS{"main.wasm": {}, "Spacefile.md": {}, "notes/spacefile": {}, "my.yaml": {}}); err != nil {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string]string{
		"api": "/api", "/api": "/api", "api/": "/api", "/a/b": "/a/b", "~x/-y/a.b_c": "/~x/-y/a.b_c", "__spaces": "/__spaces", "a/__space": "/a/__space",
		"/": "", "//": "", "a//b": "", "..": "", "a/../b": "", ".hidden": "", "a b": "", "a%2Fb": "", "ä": "", "__space": "", "/__space/x": "", "a?b": "", "//a": "",
	} {
		text := fmt.Sprintf("v: 0\nmicros:\n  - {name: one, src: ., engine: wasm, primary: true}\n  - {name: two, src: ., engine: wasm, path: %q}\n", path)
		file, err := space.ParseSpacefile([]byte(text))
		switch {
		case want == "":
			checkFaults(t, faults(t, text), []string{"Spacefile:4: micros[1].path: "})
		case err != nil:
			t.Errorf("%q: %v", path, err)
		case file.Micros[1].Path != want:
			t.Errorf("%q became %q, want %q", path, file.Micros[1].Path, want)
		}
	}
}

func TestPathTwice(t *testing.T) {
	text := "v: 0\nmicros:\n  - {name: one, src: ., engine: wasm, primary: true}\n  - {name: two, src: ., engine: wasm}\n  - {name: three, src: ., engine: wasm, path: /two/}\n"
	checkFaults(t, faults(t, text), []string{`Spacefile:5: micros[2].path: "/two" already belongs to micro "two"`})
}

func TestImpliedSpacefile(t *testing.T) {
	want := []space.MicroSpec{{Name: "hello", Src: ".", Engine: "wasm", Run: []string{"main.wasm"}, Primary: true, Path: "/", Public: true}}
	if got := space.ImpliedSpacefile("hello").Micros; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}
