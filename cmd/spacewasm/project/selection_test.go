package project_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// spacefile is the text of one with these Micros.
func spacefile(micros ...string) string {
	return "v: 0\nmicros:\n  - " + strings.Join(micros, "\n  - ") + "\n"
}

// picture is a PNG of so many pixels.
func picture(t *testing.T, width, height int) string {
	t.Helper()
	var b bytes.Buffer
	must(t, png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return b.String()
}

func TestWhatIsPacked(t *testing.T) {
	wasm := "{name: a, src: ., engine: wasm, run: "
	for _, tc := range []struct{ name, spacefile, ignore, files, want string }{
		{
			"what builds make stays, but for the module",
			spacefile(wasm + "target/wasm32-wasip1/release/a.wasm}"),
			"", "target/wasm32-wasip1/release/a.wasm target/wasm32-wasip1/release/a.d target/x dist/y build/z b/dist/w src.rs",
			"Spacefile b/ src.rs target/ target/wasm32-wasip1/ target/wasm32-wasip1/release/ target/wasm32-wasip1/release/a.wasm",
		},
		{
			"a rule takes it back",
			spacefile(wasm + "main.wasm}"),
			"!dist\n!.env\n*.md\n", "main.wasm dist/y README.md .env",
			".env Spacefile dist/ dist/y main.wasm",
		},
		{
			"only what is included",
			spacefile(wasm + "main.wasm, include: [main.wasm, public, 'data/*.json', dist]}"),
			"public/b\n", "main.wasm main.go public/a public/b public/c/d data/x.json data/x.csv data/y/z.json dist/build/w other/x",
			"Spacefile data/ data/x.json dist/ dist/build/ dist/build/w main.wasm public/ public/a public/c/ public/c/d",
		},
		{
			"all of it, what builds make as well",
			spacefile(wasm + "main.wasm, include: [.]}"),
			"", "main.wasm dist/x .git/config", "Spacefile dist/ dist/x main.wasm",
		},
		{
			"a static one's folder, with what looks like a build's inside",
			spacefile("{name: a, src: web, engine: static, serve: dist}"),
			"", "web/dist/index.html web/dist/build/a.js web/dist/.env web/dist/.DS_Store web/src/a.ts web/node_modules/x/y",
			"Spacefile web/ web/dist/ web/dist/build/ web/dist/build/a.js web/dist/index.html",
		},
		{
			"the first folder that there is",
			spacefile("{name: a, src: web, engine: react}"),
			"", "web/build/index.html web/package.json", "Spacefile web/ web/build/ web/build/index.html",
		},
		{
			"two of them in one another",
			spacefile("{name: a, src: ., engine: static, serve: public, primary: true}", "{name: b, src: build/api, engine: wasm}"),
			"", "public/index.html build/api/main.wasm build/api/x build/y",
			"Spacefile build/ build/api/ build/api/main.wasm build/api/x public/ public/index.html",
		},
	} {
		files := map[string]string{"Spacefile": tc.spacefile, ".spaceignore": tc.ignore}
		for name := range strings.FieldsSeq(tc.files) {
			files[name] = "x"
		}
		_, headers := packed(t, tree(t, files))
		if got := names(headers); got != tc.want {
			t.Errorf("%s: packed\n%s, want\n%s", tc.name, got, tc.want)
		}
	}
}

func TestWhatCannotBePacked(t *testing.T) {
	icon := "icon: logo.png\n" + spacefile("{name: a, src: ., engine: wasm}")
	for _, tc := range []struct {
		spacefile, ignore, files string
		want                     []string
	}{
		{spacefile("{name: a, src: ., engine: wasm}"), "x\n*.wasm", "main.wasm", []string{`.spaceignore:2: "*.wasm" leaves out main.wasm, which is the `}},
		{spacefile("{name: a, src: ., engine: wasm, run: out/a.wasm}"), "/out", "out/a.wasm", []string{`.spaceignore:1: "/out" leaves out out/a.wasm`}},
		{spacefile("{name: a, src: ., engine: static, serve: dist}"), "dist/", "dist/x", []string{`.spaceignore:1: "dist/" leaves out dist`}},
		{spacefile("{name: a, src: ., engine: wasm}"), "[", "main.wasm", []string{".spaceignore:1: "}},
		{spacefile("{name: a, src: ., engine: wasm, include: [data, 'x*', lib/y]}"), "", "main.wasm data/x xa/y", []string{
			"2 faults", "micros[0].include: leaves out the module main.wasm", "micros[0].include[2]: nothing that is packed matches lib/y in .; build it first",
		}},
		{spacefile("{name: a, src: ., engine: wasm, run: sub}"), "", "sub/x", []string{"sub is a folder, and no module"}},
		{spacefile("{name: a, src: web, engine: vue, commands: [x]}"), "", "web/x", []string{"micros[0].serve: there is no folder web/dist or web/build; its `commands` would make it"}},
		{spacefile("{name: a, src: ., engine: static, serve: dist}"), "", "dist/.env", []string{"there is no file in dist to pack"}},
		{spacefile("{name: a, src: ., engine: static, serve: dist, fallback: 404.html}"), "", "dist/index.html", []string{"micros[0].fallback: there is no file dist/404.html"}},
		{icon, "", "main.wasm", []string{"Spacefile: icon: there is no file logo.png"}},
		{icon, "", "main.wasm logo.png", []string{"logo.png cannot be shown: it is neither a PNG nor a WebP"}},
		{icon, "*.png", "main.wasm logo.png", []string{`.spaceignore:1: "*.png" leaves out logo.png, which is the app's icon`}},
	} {
		files := map[string]string{"Spacefile": tc.spacefile, ".spaceignore": tc.ignore}
		for name := range strings.FieldsSeq(tc.files) {
			files[name] = "x"
		}
		_, err := listedIn(tree(t, files))
		if err == nil {
			t.Errorf("%s with %q was accepted", tc.spacefile, tc.ignore)
			continue
		}
		wants(t, err.Error(), tc.want...)
		if refused, ok := errors.AsType[*space.Error](err); !ok || len(tc.want) == 1 && len(refused.Faults) != 1 {
			t.Errorf("%v, and no more faults than that were wanted", err)
		}
	}
}

// An icon may have one side that differs, as Deta's CLI had it.
func TestIcon(t *testing.T) {
	const webp = "RIFF\x1a\x00\x00\x00WEBPVP8L\r\x00\x00\x00/\xff\xc1\x7f\x00\x00\x00\x00\x00\x00\x00\x00" // 512 by 512
	for _, tc := range []struct {
		icon string
		want string
	}{
		{picture(t, 512, 512), ""},
		{picture(t, 512, 100), ""},
		{picture(t, 100, 512), ""},
		{picture(t, 256, 256), "has 256 by 256 pixels; want 512 by 512"},
		{webp, ""},
		{"", "neither a PNG nor a WebP"},
		{"GIF89a", "neither a PNG nor a WebP"},
	} {
		dir := tree(t, map[string]string{
			"Spacefile":     "icon: art/logo\n" + spacefile("{name: a, src: web, engine: wasm}"),
			"art/logo":      tc.icon,
			"art/sketch":    "x",
			"web/main.wasm": "w",
		})
		p, err := listedIn(dir)
		if tc.want != "" {
			if err == nil {
				t.Errorf("%q is no icon", tc.icon)
			} else {
				wants(t, err.Error(), tc.want)
			}
			continue
		}
		must(t, err)
		if !slices.ContainsFunc(p.Entries, func(e project.Entry) bool { return e.Path == "art/logo" }) || len(p.Entries) != 5 {
			t.Errorf("packed %v", p.Entries)
		}
	}
}

// A folder of links is one fault in a few lines.
func TestManyLinks(t *testing.T) {
	dir := tree(t, map[string]string{"main.wasm": "w"})
	for _, name := range strings.Split("a b c d e f g h i j k l m", " ") {
		must(t, os.Symlink("main.wasm", filepath.Join(dir, name)))
	}
	_, err := listedIn(dir)
	if err == nil {
		t.Fatal("links were accepted")
	}
	wants(t, err.Error(), "a is a symbolic link", "there are 3 more")
}

// What looks like the output of a build is noted where a rule of ours left it out.
func TestLeftOut(t *testing.T) {
	p, err := listedIn(tree(t, map[string]string{"main.wasm": "w", "dist/a": "x", "a/build/b": "x", ".git/x": "x"}))
	must(t, err)
	if !slices.Equal(p.LeftOut, []string{"a/build", "dist"}) {
		t.Errorf("left out %q", p.LeftOut)
	}
	p, err = listedIn(tree(t, map[string]string{"main.wasm": "w", ".git/x": "x", "dist/a": "x", ".spaceignore": "dist"}))
	must(t, err)
	if len(p.LeftOut) > 0 {
		t.Errorf("left out %q", p.LeftOut)
	}
}
