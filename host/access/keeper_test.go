package access_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// desk is a guard with its keeper, over a data directory with the apps shop and blog.
type desk struct {
	*access.Guard
	*access.Keeper
	dir   string
	store *store.Store
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{dir: t.TempDir()}
	d.open(t)
	for _, app := range []space.AppName{"shop", "blog"} {
		planned, err := d.store.Plan(t.Context(), app)
		if err == nil {
			_, err = d.store.Activate(t.Context(), planned)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// open starts as a server does.
func (d *desk) open(t *testing.T) {
	t.Helper()
	s, err := store.Open(t.Context(), d.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d.store, d.Guard = s, open(t, filepath.Join(d.dir, "token"))
	if d.Keeper, err = access.NewKeeper(t.Context(), d.Guard, s); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) fileToken(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "token"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

func (d *desk) token(t *testing.T, name string, app space.AppName) string {
	t.Helper()
	value, err := d.CreateToken(t.Context(), name, app)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (d *desk) key(t *testing.T, app space.AppName, name string) string {
	t.Helper()
	value, err := d.CreateAppKey(t.Context(), app, name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// who asks with a token.
func (d *desk) who(t *testing.T, token string) access.Caller {
	t.Helper()
	caller, ok := d.Who(asks(t, "Bearer "+token))
	if ok == (caller == access.Caller{}) {
		t.Errorf("%v, but %+v", ok, caller)
	}
	return caller
}

func TestWho(t *testing.T) {
	d := newDesk(t)
	file, anna, ci, key := d.fileToken(t), d.token(t, "anna", ""), d.token(t, "ci", "shop"), d.key(t, "shop", "till")
	for range 2 { // and after a start
		for token, want := range map[string]access.Caller{
			file: {Name: "admin", Admin: true},
			anna: {Name: "anna", Admin: true},
			ci:   {Name: "ci", App: "shop"},
			key:  {}, "": {}, ci + "x": {}, ci[:29]: {}, strings.ToLower(ci): {},
			"swk_" + ci[4:]: {}, "swt_" + key[4:]: {},
		} {
			if got := d.who(t, token); got != want {
				t.Errorf("%q is %+v, want %+v", token, got, want)
			}
			r := asks(t, "Bearer "+token)
			if got := d.Admin(r); got != want.Admin {
				t.Errorf("%q is an admin: %v", token, got)
			}
			for app, may := range map[space.AppName]bool{"shop": want.Name != "", "blog": want.Admin, "": want.Admin} {
				if caller, got := d.MayDeploy(r, app); got != may || caller != want {
					t.Errorf("%q deploys %q: %v, %+v", token, app, got, caller)
				}
			}
		}
		if err := d.store.Close(); err != nil {
			t.Fatal(err)
		}
		d.open(t)
	}
}

// A zero caller deploys nothing, least of all an app without a name.
func TestNobody(t *testing.T) {
	if (access.Caller{}).MayDeploy("") || (access.Caller{Name: "x"}).MayDeploy("shop") {
		t.Error("nobody deploys")
	}
}

func TestHasAppKey(t *testing.T) {
	d := newDesk(t)
	key, other, token := d.key(t, "shop", "till"), d.key(t, "blog", "till"), d.token(t, "ci", "shop")
	for _, c := range []struct {
		app   space.AppName
		value string
		want  bool
	}{
		{"shop", key, true},
		{"blog", other, true},
		{"shop", other, false},
		{"blog", key, false},
		{"", key, false},
		{"none", key, false},
		{"shop", token, false},
		{"shop", d.fileToken(t), false},
		{"shop", "", false},
		{"shop", key + " ", false},
		{"", "", false},
	} {
		if got := d.HasAppKey(c.app, c.value); got != c.want {
			t.Errorf("%q for %q: %v", c.value, c.app, got)
		}
	}
	if err := d.DeleteAppKey(t.Context(), "shop", "till"); err != nil {
		t.Fatal(err)
	}
	if d.HasAppKey("shop", key) || !d.HasAppKey("blog", other) {
		t.Error("another key was deleted")
	}
}

// T12: whatever header any of our credentials comes in, a Micro does not see it; the
// app's own credentials pass.
func TestStripAll(t *testing.T) {
	d := newDesk(t)
	admins, ci, key, others := d.token(t, "anna", ""), d.token(t, "ci", "shop"), d.key(t, "shop", "till"), d.key(t, "blog", "till")
	for _, value := range []string{d.fileToken(t), admins, ci, key, others} {
		if !d.IsCredential(value) {
			t.Errorf("%q is no credential", value)
		}
		h := http.Header{
			"Authorization": {"Bearer " + value}, "X-Api-Key": {"a", value}, "X-Space-App-Key": {value}, "X": {" " + value + " "},
			"Y": {"bearer  " + value}, "Accept": {"*/*"},
		}
		d.Strip(h)
		if want := (http.Header{"Accept": {"*/*"}}); !reflect.DeepEqual(h, want) {
			t.Errorf("left: %v", h)
		}
	}
	own := http.Header{
		"X-Api-Key": {"swk_" + strings.Repeat("A", 26)}, "Authorization": {"Bearer swt_" + strings.Repeat("A", 26)}, "X": {"sw_"},
		"Cookie": {"a=b"}, "Empty": {""}, "None": nil,
	}
	kept := own.Clone()
	if d.Strip(own); !reflect.DeepEqual(own, kept) {
		t.Errorf("left: %v", own)
	}
	if err := d.RevokeToken(t.Context(), "ci"); err != nil || d.IsCredential(ci) || !d.IsCredential(admins) {
		t.Errorf("revoked: %v", err)
	}
}

// What a session goes by: it changes with the value, and ends with the token.
func TestGeneration(t *testing.T) {
	d := newDesk(t)
	value := d.token(t, "ci", "shop")
	first, file := d.Generation("ci"), d.Generation("admin")
	if len(first) != 16 || len(file) != 16 || first == file || d.Generation("none") != "" || d.Generation("") != "" {
		t.Errorf("got %q, %q", first, file)
	}
	if strings.Contains(value, first) {
		t.Error("the word is part of the value")
	}
	d.token(t, "other", "")
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	d.open(t)
	if d.Generation("ci") != first || d.Generation("admin") != file {
		t.Error("a start ends the sessions")
	}
	if err := d.RevokeToken(t.Context(), "ci"); err != nil || d.Generation("ci") != "" {
		t.Errorf("revoked, %v: %q", err, d.Generation("ci"))
	}
	d.token(t, "ci", "shop")
	if again := d.Generation("ci"); again == "" || again == first {
		t.Errorf("another token of the name has %q", again)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "token"), []byte("another-token-of-mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := open(t, filepath.Join(d.dir, "token")).Generation("admin"); again == "" || again == file {
		t.Errorf("another token in the file has %q", again)
	}
}

// A value has 130 random bits, is told once, and stands nowhere in the data directory.
func TestValues(t *testing.T) {
	d := newDesk(t)
	seen := map[string]bool{}
	for range 20 {
		token, key := d.token(t, "x", ""), d.key(t, "shop", "x")
		if !regexp.MustCompile(`^swt_[A-Z2-7]{26}$`).MatchString(token) || !regexp.MustCompile(`^swk_[A-Z2-7]{26}$`).MatchString(key) {
			t.Fatalf("got %q, %q", token, key)
		}
		seen[token], seen[key] = true, true
		if err := errors.Join(d.RevokeToken(t.Context(), "x"), d.DeleteAppKey(t.Context(), "shop", "x")); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d values are others", len(seen))
	}
	token, key := d.token(t, "x", ""), d.key(t, "shop", "x")
	files, err := filepath.Glob(filepath.Join(d.dir, "spacewasm.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{token, key} {
			if strings.Contains(string(text), value[4:]) {
				t.Errorf("%s holds a value", filepath.Base(file))
			}
		}
	}
}

func TestNamesOfTokens(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{
		"", " ", "-x", ".x", "_x", "x/y", "..", "ä", "x\n", "x\x00", "x\ty", "x ", "%41", "x'y", strings.Repeat("x", 65), strings.Repeat("x", 1<<16),
	} {
		_, err := d.CreateToken(t.Context(), name, "")
		_, keyErr := d.CreateAppKey(t.Context(), "shop", name)
		for _, err := range []error{err, keyErr} {
			if e := space.AsError(err); e == nil || e.Code != space.CodeBadRequest || len(e.Message) > 500 {
				t.Errorf("%.80q: %v", name, err)
			}
		}
	}
	for _, name := range []string{"x", "0", "CI of the shop_1.2-a", strings.Repeat("x", 64)} {
		d.token(t, name, "")
		d.key(t, "shop", name)
	}
	for _, name := range []string{"admin", "Admin", "ADMIN"} {
		if _, err := d.CreateToken(t.Context(), name, ""); err == nil || !strings.Contains(err.Error(), "the server's file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusedChanges(t *testing.T) {
	d := newDesk(t)
	first, key := d.token(t, "ci", "shop"), d.key(t, "shop", "till")
	_, again := d.CreateToken(t.Context(), "ci", "")
	_, keyAgain := d.CreateAppKey(t.Context(), "shop", "till")
	_, noApp := d.CreateAppKey(t.Context(), "none", "till")
	for _, c := range []struct {
		err  error
		code space.Code
		says string
	}{
		{again, space.CodeRefused, `a token "ci" already`},
		{keyAgain, space.CodeRefused, `a key "till" of shop already`},
		{noApp, space.CodeNotFound, `no app "none"`},
		{d.RevokeToken(t.Context(), "none"), space.CodeNotFound, `no token "none"`},
		{d.RevokeToken(t.Context(), "admin"), space.CodeNotFound, `no token "admin"`},
		{d.DeleteAppKey(t.Context(), "blog", "till"), space.CodeNotFound, `no key "till" of blog`},
	} {
		if e := space.AsError(c.err); e == nil || e.Code != c.code || !strings.Contains(e.Message, c.says) {
			t.Errorf("%v, want %s: %s", c.err, c.code, c.says)
		}
	}
	if d.who(t, first).App != "shop" || !d.HasAppKey("shop", key) {
		t.Error("what was there is not")
	}
	for i := range store.MaxTokens - 1 {
		d.token(t, fmt.Sprint(i), "")
	}
	if _, err := d.CreateToken(t.Context(), "more", ""); space.AsError(err).Code != space.CodeRefused || !strings.Contains(err.Error(), "100 already: revoke one") {
		t.Errorf("one too many: %v", err)
	}
}

// With an app go its keys and tokens, once the guard has looked.
func TestReload(t *testing.T) {
	d := newDesk(t)
	ci, admins, key := d.token(t, "ci", "shop"), d.token(t, "anna", ""), d.key(t, "shop", "till")
	if err := d.store.Remove(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if err := d.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.who(t, ci).Name != "" || d.HasAppKey("shop", key) || d.who(t, admins).Name != "anna" {
		t.Error("what went with the app comes in")
	}
}

// If nobody can find out what is revoked, only the token in the file comes in; and a
// change whose sender has gone is known or not made.
func TestChangesFail(t *testing.T) {
	d := newDesk(t)
	admins, key := d.token(t, "anna", ""), d.key(t, "shop", "till")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.RevokeToken(gone, "anna"); err == nil {
		t.Error("revoked for nobody")
	}
	if d.who(t, admins).Name != "anna" {
		t.Error("what was not revoked is not known")
	}
	if err := d.store.Close(); err != nil {
		t.Fatal(err)
	}
	err := d.RevokeToken(t.Context(), "anna")
	if e := space.AsError(err); e == nil || e.Code != space.CodeInternal {
		t.Errorf("got %v", err)
	}
	if d.who(t, admins).Name != "" || d.HasAppKey("shop", key) || !d.who(t, d.fileToken(t)).Admin {
		t.Error("what may be revoked comes in")
	}
}

// Changes and questions at the same time: at each moment a token is known that was
// made and not revoked.
func TestChangesTogether(t *testing.T) {
	d := newDesk(t)
	stays := d.token(t, "stays", "shop")
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		all.Go(func() {
			for range 10 {
				value, err := d.CreateToken(t.Context(), name, "")
				if err != nil || d.who(t, value).Name != name || d.who(t, stays).Name != "stays" {
					t.Errorf("%s: %v", name, err)
				}
				if err := d.RevokeToken(t.Context(), name); err != nil || d.who(t, value).Name != "" {
					t.Errorf("%s is revoked: %v", name, err)
				}
			}
		})
	}
	all.Wait()
}

// BenchmarkStrip is what each request pays: a browser's headers, none of them ours.
func BenchmarkStrip(b *testing.B) {
	path := filepath.Join(b.TempDir(), "token")
	g, err := access.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	h := http.Header{
		"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}, "Accept-Encoding": {"gzip, deflate, br"},
		"Accept-Language": {"en-GB,en;q=0.9,de;q=0.8"}, "Cache-Control": {"no-cache"}, "Cookie": {"session=" + strings.Repeat("x", 200)},
		"User-Agent":     {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"none"}, "Sec-Fetch-User": {"?1"},
		"Sec-Ch-Ua": {`"Chromium";v="130", "Not?A_Brand";v="99"`}, "Sec-Ch-Ua-Platform": {`"Linux"`}, "Upgrade-Insecure-Requests": {"1"},
		"Referer": {"https://shop.example.org/a/page?with=a&query=string"}, "Origin": {"https://shop.example.org"},
	}
	b.ReportAllocs()
	for b.Loop() {
		g.Strip(h)
	}
}
