package deploy_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// wantMissing asks which of the bodies the app has not.
func (b *bench) wantMissing(t *testing.T, app space.AppName, bodies []string, want ...string) {
	t.Helper()
	var contents, missing []space.Content
	for _, body := range bodies {
		contents = append(contents, contentOf(body))
	}
	for _, body := range want {
		missing = append(missing, contentOf(body))
	}
	got, err := b.Missing(t.Context(), app, contents)
	if err != nil || !slices.Equal(got, missing) {
		t.Errorf("%s lacks %v, %v; want %v", app, got, err, missing)
	}
}

// bundle returns the files of an app's n-th Micro.
func (b *bench) bundle(t *testing.T, app *registry.App, n int) map[string]string {
	t.Helper()
	root := os.DirFS(filepath.Join(b.dir, "blobs", string(app.Revision.Micros[n].Bundle)))
	files := map[string]string{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// T7: what an app has in a revision is not sent again, under whatever name, and makes the same bundle.
func TestReferences(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	hello, args := guest("hello"), guest("args")
	b.wantMissing(t, "app", []string{hello, args}, hello, args)
	first := b.push(t, "app", tgz(t, two()...))
	b.wantMissing(t, "app", []string{hello, "new", args, "x"}, "new")
	again := b.push(t, "app", tgz(t, refer("bin/web.wasm", hello), refer("api/main.wasm", args),
		entry{name: "api/data/x", body: "x"}, refer("Spacefile", twoMicros), entry{name: "empty/"}))
	for i, micro := range again.Revision.Micros {
		if was := first.Revision.Micros[i]; micro.Bundle != was.Bundle || micro.BundleBytes != was.BundleBytes || micro.Module != was.Module {
			t.Errorf("got %+v, want %+v", micro, was)
		}
	}
	if got := b.ask(t, "app", "/"); got != "hello\n" {
		t.Errorf("answers %q", got)
	}
	moved := b.push(t, "app", tgz(t, refer("main.wasm", args), refer("copy/of", hello), refer("copy/again", hello), entry{name: "y", body: "y"}))
	if got := b.bundle(t, moved, 0); !reflect.DeepEqual(got, map[string]string{"main.wasm": args, "copy/of": hello, "copy/again": hello, "y": "y"}) {
		t.Errorf("the bundle has %d files", len(got))
	}
	b.wantMissing(t, "app", []string{hello, "y", "z"}, "z")
}

// T7: naming another app's file neither gives nor reveals it: the answers are those of one that nobody has.
func TestReferenceToAnothersFile(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	secret := "the file of another"
	b.push(t, "owner", tgz(t, entry{name: "main.wasm", body: guest("hello")}, entry{name: "secret", body: secret}))
	b.push(t, "thief", tgz(t, entry{name: "main.wasm", body: guest("args")}))
	blobs := len(b.blobs(t))
	for _, app := range []space.AppName{"thief", "nobody"} {
		b.wantMissing(t, app, []string{secret, "nowhere"}, secret, "nowhere")
		var says []string
		for _, body := range []string{secret, "nowhere"} {
			_, err := b.Push(t.Context(), app, "", bytes.NewReader(tgz(t, entry{name: "main.wasm", body: guest("hello")}, refer("f", body))))
			if e := space.AsError(err); e == nil || e.Code != space.CodeNotHeld || e.Err != nil {
				t.Fatalf("%s got a file by naming it: %v", app, err)
			}
			says = append(says, err.Error())
		}
		if says[0] != says[1] {
			t.Errorf("%s is told %q", app, says)
		}
	}
	b.wantBlobs(t, blobs)
	// Nor is it kept for who takes the name of an app that is gone.
	if err := b.Remove(t.Context(), "owner"); err != nil {
		t.Fatal(err)
	}
	b.wantMissing(t, "owner", []string{secret}, secret)
}

// An entry that refers to a file has nothing of its own, and says what it refers to; a size that is not the file's names another.
func TestBadReferences(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	hello := guest("hello")
	b.push(t, "bad", tgz(t, entry{name: "main.wasm", body: hello}))
	with := func(sum, size string) entry {
		return entry{name: "f", records: map[string]string{space.RecordSum: sum, space.RecordSize: size}}
	}
	sum := contentOf(hello).Hex()
	full := refer("f", hello)
	full.body = "x"
	for name, c := range map[string]struct {
		entry entry
		code  space.Code
	}{
		"with content": {full, space.CodeRefused},
		"no size":      {with(sum, ""), space.CodeRefused},
		"minus":        {with(sum, "-1"), space.CodeRefused},
		"upper case":   {with(strings.ToUpper(sum), "1"), space.CodeRefused},
		"short":        {with(sum[1:], "1"), space.CodeRefused},
		"a path":       {with("../../"+sum[6:], "1"), space.CodeRefused},
		"another size": {with(sum, "1"), space.CodeNotHeld},
		"twice":        {refer("main.wasm", hello), space.CodeRefused},
		"outside":      {refer("../f", hello), space.CodeRefused},
		"too large":    {with(sum, "9000000000000000000"), space.CodePayloadTooLarge},
	} {
		if e := b.refuse(t, tgz(t, entry{name: "main.wasm", body: hello}, c.entry)); e.Code != c.code {
			t.Errorf("%s: got %v, want %s", name, e, c.code)
		}
	}
}

// T25: files that are referred to count like those that are sent, but against the room for uploads.
func TestReferencesCount(t *testing.T) {
	const limit = 3 << 20
	b := newBenchOf(t, t.TempDir(), func(l *space.Limits) { l.Bundle, l.BundleEntries = limit, 300 }, func(c *deploy.Config) { c.UploadBytes = limit - 256<<10 })
	main, big := entry{name: "main.wasm", body: guest("hello")}, strings.Repeat("x", 2<<20)
	b.push(t, "bad", tgz(t, main, entry{name: "big", body: big}))
	refuse := func(code space.Code, entries ...entry) {
		t.Helper()
		if e := b.refuse(t, tgz(t, append(entries, main)...)); e.Code != code {
			t.Errorf("got %v, want %s", e, code)
		}
	}
	names := func(n int, body string) (all []entry) {
		for i := range n {
			all = append(all, refer(strings.Repeat("n", i+1), body))
		}
		return all
	}
	refuse(space.CodePayloadTooLarge, names(2, big)...)                 // one Micro
	refuse(space.CodePayloadTooLarge, names(space.MaxMicros*2, big)...) // the upload
	b.push(t, "bad", tgz(t, append(names(1, big), main, entry{name: "y", body: strings.Repeat("y", 900<<10)})...))
	b.push(t, "bad", tgz(t, entry{name: "main.wasm", body: main.body}, entry{name: "s", body: "s"}))
	// Of one file there are only so many links.
	many := b.push(t, "bad", tgz(t, append(names(250, "s"), main)...))
	if n := len(b.bundle(t, many, 0)); n != 251 {
		t.Errorf("the bundle has %d files", n)
	}
	info, err := os.Stat(filepath.Join(b.dir, "blobs", string(many.Revision.Micros[0].Bundle), "n"))
	if err != nil {
		t.Fatal(err)
	}
	if links := linksOf(info); links < 100 || links > 210 {
		t.Errorf("a file has %d links", links)
	}
	tooMany := names(200, "s")
	for i := range 100 {
		tooMany = append(tooMany, refer("d/"+strings.Repeat("n", i+1), "s"))
	}
	refuse(space.CodeRefused, tooMany...)
}

// A push tells what it is at.
func TestProgress(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	var got []string
	ctx := deploy.WithProgress(t.Context(), func(e deploy.Event) {
		line := string(e.Stage) + " " + e.Micro
		if e.Done {
			line += " done"
		}
		if e.Stage == deploy.StageCompile && e.Done != (e.Took > 0) || e.Stage == deploy.StageSnapshot && e.Done != (e.Reason != "") ||
			e.Stage == deploy.StageReceived && e.Bytes != int64(len(guest("hello")+guest("args")+twoMicros)+1) {
			t.Errorf("got %+v", e)
		}
		got = append(got, line)
	})
	if _, err := b.Push(ctx, "app", "", bytes.NewReader(tgz(t, two()...))); err != nil {
		t.Fatal(err)
	}
	want := "received ,compile web,compile web done,compile api,compile api done,snapshot web,snapshot web done,snapshot api,snapshot api done,activate "
	if strings.Join(got, ",") != want {
		t.Errorf("got %q", got)
	}
}

// Who goes while a Micro is compiled takes the push with them.
func TestClientGoesWhileCompiling(t *testing.T) {
	b := newBench(t, t.TempDir(), nil)
	b.run(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ctx = deploy.WithProgress(ctx, func(e deploy.Event) {
		if e.Stage == deploy.StageCompile && e.Micro == "api" {
			cancel()
		}
	})
	if _, err := b.Push(ctx, "app", "", bytes.NewReader(tgz(t, two()...))); ctx.Err() == nil || err == nil {
		t.Errorf("got %v", err)
	}
	if all := b.registry.Apps(); len(all) > 0 {
		t.Errorf("there is %v", all)
	}
	b.wantBlobs(t, 0)
}
