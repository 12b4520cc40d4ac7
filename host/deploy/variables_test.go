package deploy_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/vault"
)

// newVaultBench is newBench with the key of a vault.
func newVaultBench(t *testing.T, dir, secret string) *bench {
	t.Helper()
	v, err := vault.New([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return newBenchOf(t, dir, nil, func(c *deploy.Config) { c.Vault = v })
}

const declared = `v: 0
micros:
  - {name: web, src: ., engine: wasm, primary: true, presets: {env: [{name: A, default: preset}, {name: B, description: what}]}}
  - {name: api, src: api, engine: wasm, presets: {env: [{name: A, default: other}]}}
`

func withDeclared(t *testing.T) []byte {
	t.Helper()
	return tgz(t, entry{name: "Spacefile", body: declared}, entry{name: "main.wasm", body: guest("env")}, entry{name: "api/main.wasm", body: guest("env")})
}

func (b *bench) change(t *testing.T, c deploy.EnvChange) {
	t.Helper()
	if _, err := b.ChangeEnv(t.Context(), "app", c); err != nil {
		t.Fatal(err)
	}
}

// own is what a Micro finds in its environment that is neither the request's nor the
// platform's.
func (b *bench) own(t *testing.T, path string) string {
	t.Helper()
	var all []string
	for line := range strings.Lines(b.ask(t, "app", path)) {
		name, _, _ := strings.Cut(line, "=")
		if _, err := space.ParseEnvName(name); err == nil && strings.Contains(line, "=") {
			all = append(all, strings.TrimSuffix(line, "\n"))
		}
	}
	return strings.Join(all, " ")
}

// A Micro's own variables win over those of the app, and those over what it declares.
func TestVariablesOrder(t *testing.T) {
	dir := t.TempDir()
	b := newVaultBench(t, dir, "the secret")
	b.push(t, "app", withDeclared(t))
	type set = map[string]string
	for i, c := range []struct {
		deploy.EnvChange
		web, api string
	}{
		{deploy.EnvChange{}, "A=preset", "A=other"},
		{deploy.EnvChange{Set: set{"A": "all", "C": "c=d"}}, "A=all C=c=d", "A=all C=c=d"},
		{deploy.EnvChange{Micro: "web", Set: set{"A": "", "B": "web"}}, "A= B=web C=c=d", "A=all C=c=d"},
		{deploy.EnvChange{Unset: []string{"A"}}, "A= B=web C=c=d", "A=other C=c=d"},
		{deploy.EnvChange{Micro: "web", Set: set{"B": "w"}, Unset: []string{"A"}}, "A=preset B=w C=c=d", "A=other C=c=d"},
	} {
		b.change(t, c.EnvChange)
		if web, api := b.own(t, "/"), b.own(t, "/api"); web != c.web || api != c.api {
			t.Errorf("%d: %q and %q, want %q and %q", i, web, api, c.web, c.api)
		}
	}
	b.push(t, "app", withDeclared(t)) // another revision has them, too
	if got := b.own(t, "/"); got != "A=preset B=w C=c=d" {
		t.Errorf("after a push: %q", got)
	}
	b.close()
	b = newVaultBench(t, dir, "the secret")
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := b.own(t, "/"); got != "A=preset B=w C=c=d" {
		t.Errorf("after a start: %q", got)
	}
	b.push(t, "app", zipped(t, entry{name: "main.wasm", body: guest("env")})) // without web
	all, err := b.Variables(t.Context(), "app", "")
	if err != nil || len(all) != 2 || all[1].Micro != "web" || all[1].Declared {
		t.Errorf("of a Micro that is gone: %+v, %v", all, err)
	}
	b.change(t, deploy.EnvChange{Micro: "web", Unset: []string{"B"}})
}

func TestVariablesList(t *testing.T) {
	b := newVaultBench(t, t.TempDir(), "the secret")
	b.push(t, "app", withDeclared(t))
	b.change(t, deploy.EnvChange{Micro: "web", Set: map[string]string{"B": "1"}})
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "2"}})
	for micro, want := range map[string]string{
		"":    "[{A  } .A true=2 {A  other} api.A false= {A  preset} web.A false= {B what } web.B true=1]",
		"api": "[{A  } .A true=2 {A  other} api.A false=]",
	} {
		all, err := b.Variables(t.Context(), "app", micro)
		var got []string
		for _, v := range all {
			got = append(got, fmt.Sprintf("%v %s.%s %v=%s", v.EnvPreset, v.Micro, v.Name, v.Set, v.Value))
			if v.Set == v.Changed.IsZero() || v.Declared != (v.Micro != "") || v.Closed {
				t.Errorf("got %+v", v)
			}
		}
		if fmt.Sprint(got) != want || err != nil {
			t.Errorf("of %q: %v, %v", micro, got, err)
		}
	}
}

func TestVariablesRefused(t *testing.T) {
	b := newVaultBench(t, t.TempDir(), "the secret")
	b.push(t, "app", withDeclared(t))
	b.change(t, deploy.EnvChange{Set: map[string]string{"OLD": "value"}})
	const secret = "never to be seen"
	many, large := map[string]string{}, map[string]string{}
	for i := range space.MaxVariables {
		many[fmt.Sprintf("V%d", i)] = secret
	}
	for _, name := range []string{"X", "Y", "Z"} {
		large[name] = strings.Repeat("x", space.MaxEnvValue)
	}
	for name, c := range map[string]struct {
		deploy.EnvChange
		code space.Code
		says []string
	}{
		"names": {
			deploy.EnvChange{Set: map[string]string{"": secret, "1": secret, "A-B": secret, "DETA_X": secret, "PORT": secret, "HTTP_X": secret, "REQUEST_METHOD": secret}},
			space.CodeRefused,
			[]string{"7 faults", "DETA_X", "PORT is a variable that the platform sets", "HTTP_X is a variable in which a program finds its request"},
		},
		"values":        {deploy.EnvChange{Set: map[string]string{"A": secret + "\x00", "B": secret + strings.Repeat("x", space.MaxEnvValue)}}, space.CodeRefused, []string{"set.A: the value has a NUL", "set.B: the value has"}},
		"unset nothing": {deploy.EnvChange{Unset: []string{"NEVER"}}, space.CodeRefused, []string{`"NEVER" is not set for the whole app`}},
		"of another":    {deploy.EnvChange{Micro: "web", Unset: []string{"OLD"}}, space.CodeRefused, []string{`"OLD" is not set for the Micro "web"`}},
		"both":          {deploy.EnvChange{Set: map[string]string{"OLD": secret}, Unset: []string{"OLD"}}, space.CodeRefused, []string{`"OLD" is to be set, too`}},
		"no Micro":      {deploy.EnvChange{Micro: "x", Set: map[string]string{"A": secret}}, space.CodeNotFound, []string{`no Micro "x"`}},
		"too many":      {deploy.EnvChange{Set: many}, space.CodeRefused, []string{"101 variables; there may be 100"}},
		"too large":     {deploy.EnvChange{Set: large}, space.CodeRefused, []string{"a Micro may have 65536"}},
	} {
		_, err := b.ChangeEnv(t.Context(), "app", c.EnvChange)
		e := space.AsError(err)
		if e == nil || e.Code != c.code || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(e.Message, want) {
				t.Errorf("%s: %q does not say %q", name, e.Message, want)
			}
		}
	}
	// What all have together counts for each, and two of a name once.
	b.change(t, deploy.EnvChange{Set: map[string]string{"X": large["X"]}})
	b.change(t, deploy.EnvChange{Micro: "web", Set: map[string]string{"X": large["X"]}})
	if _, err := b.ChangeEnv(t.Context(), "app", deploy.EnvChange{Micro: "web", Set: map[string]string{"Y": large["Y"]}}); space.AsError(err) == nil {
		t.Error("more than a Micro may have")
	}
	if _, err := b.ChangeEnv(t.Context(), "nobody", deploy.EnvChange{}); space.AsError(err) == nil || space.AsError(err).Code != space.CodeNotFound {
		t.Errorf("got %v", err)
	}
	if strings.Contains(b.said.String(), secret) {
		t.Errorf("the log says %s", b.said)
	}
}

// An initialiser that fails with the new values is said to, with names in the place of
// the values that it says, and nothing has changed.
func TestChangeFails(t *testing.T) {
	b := newVaultBench(t, t.TempDir(), "the secret")
	before := b.push(t, "app", []byte(guest("wizer")))
	_, err := b.ChangeEnv(t.Context(), "app", deploy.EnvChange{Set: map[string]string{"INIT": "trap"}})
	e := space.AsError(err)
	if e == nil || e.Code != space.CodeRefused || !strings.Contains(e.Message, "app: main.wasm: the initialiser") || !strings.Contains(e.Message, "initialising [INIT]") {
		t.Fatalf("got %v", err)
	}
	now, release, _ := b.registry.Acquire("app")
	release()
	if all, err := b.Variables(t.Context(), "app", ""); now != before || len(all) > 0 || err != nil {
		t.Errorf("changed: %+v, %v", all, err)
	}
	renewed, err := b.ChangeEnv(t.Context(), "app", deploy.EnvChange{Set: map[string]string{"INIT": "nothing"}})
	if err != nil || !slices.Equal(renewed, []string{"app"}) {
		t.Errorf("renewed %v, %v", renewed, err)
	}
	// What is so already makes nothing anew.
	now, release, _ = b.registry.Acquire("app")
	release()
	b.change(t, deploy.EnvChange{Set: map[string]string{"INIT": "nothing"}})
	again, release, _ := b.registry.Acquire("app")
	release()
	if again != now || now.App.Settings != 1 {
		t.Errorf("settings %d", again.App.Settings)
	}
}

// An app that cannot begin without a variable comes with it: the initialiser of its first revision has the
// value, and of a push that fails there is neither an app nor a variable (T9: nor a word of a value).
func TestPushWithVariables(t *testing.T) {
	dir := t.TempDir()
	b := newVaultBench(t, dir, "the secret")
	push := func(body string, env map[string]string) (*registry.App, error) {
		return b.Deployer.Push(t.Context(), deploy.Upload{App: "app", Body: strings.NewReader(body), Env: env})
	}
	const secret = "trap" // the initialiser says it, and fails
	_, err := push(guest("wizer"), map[string]string{"INIT": secret})
	if e := space.AsError(err); e == nil || e.Code != space.CodeRefused || !strings.Contains(e.Message, "initialising [INIT]") || strings.Contains(b.said.String(), secret) {
		t.Fatalf("got %v, and the log says %s", err, b.said)
	}
	for name, env := range map[string]map[string]string{
		"a name":       {"PORT": "1", "A": "hidden"},
		"a value":      {"A": "\x00"},
		"more than is": {"A": strings.Repeat("x", space.MaxEnvValue), "B": strings.Repeat("x", space.MaxEnvValue), "C": "x"},
	} {
		if _, err := push(guest("env"), env); space.AsError(err) == nil || space.AsError(err).Code != space.CodeRefused {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := b.Variables(t.Context(), "app", ""); space.AsError(err) == nil || space.AsError(err).Code != space.CodeNotFound {
		t.Fatalf("after pushes that failed: %v", err)
	}
	app, err := push(guest("env"), map[string]string{"A": "1", "B": "2"})
	if err != nil || app.App.Settings != 1 || b.own(t, "/") != "A=1 B=2" {
		t.Fatalf("%+v, %v", app, err)
	}
	// Another one changes what it names, and a push without any nothing.
	if app, err = push(guest("env"), map[string]string{"B": "two", "C": "3"}); err != nil || app.App.Settings != 2 || b.own(t, "/") != "A=1 B=two C=3" {
		t.Errorf("%+v, %v", app, err)
	}
	if app, err = push(guest("env"), map[string]string{"B": "two"}); err != nil || app.App.Settings != 2 {
		t.Errorf("%+v, %v", app, err)
	}
	b.close()
	b = newVaultBench(t, dir, "the secret")
	if err := b.Restore(t.Context()); err != nil || b.own(t, "/") != "A=1 B=two C=3" {
		t.Errorf("after a start: %v", err)
	}
}

// Of pushes and changes at the same time, and of requests meanwhile, none is lost: what
// is stored is what answers.
func TestChangesAtOnce(t *testing.T) {
	b := newVaultBench(t, t.TempDir(), "the secret")
	b.push(t, "app", withDeclared(t))
	var all sync.WaitGroup
	const each = 4
	for i := range each {
		all.Go(func() {
			if _, err := b.ChangeEnv(t.Context(), "app", deploy.EnvChange{Set: map[string]string{fmt.Sprintf("V%d", i): "x"}}); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if _, err := b.Push(t.Context(), "app", "", bytes.NewReader(withDeclared(t))); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			for range 10 {
				if got := b.ask(t, "app", "/"); !strings.Contains(got, "DETA_RUNTIME") {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	all.Wait()
	app, release, _ := b.registry.Acquire("app")
	release()
	stored, err := b.store.Current(t.Context(), "app")
	if err != nil || stored.App != app.App || stored.App.Settings != each || stored.App.Active != 1+each {
		t.Errorf("stored %+v, live %+v, %v", stored.App, app.App, err)
	}
	if got := b.own(t, "/"); got != "A=preset V0=x V1=x V2=x V3=x" {
		t.Errorf("got %q", got)
	}
}

// T9: without the key an app with variables fails with what is to be done, and does
// none of it to others.
func TestWrongKey(t *testing.T) {
	dir := t.TempDir()
	b := newVaultBench(t, dir, "the secret")
	b.push(t, "app", withDeclared(t))
	b.push(t, "other", []byte(guest("hello")))
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "1", "B": "2"}})
	b.close()
	for _, start := range []func() *bench{
		func() *bench { return newBench(t, dir, nil) },
		func() *bench { return newVaultBench(t, dir, "another secret") },
	} {
		b = start()
		if err := b.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		app, release, _ := b.registry.Acquire("app")
		release()
		if !strings.Contains(app.Failed, "the key file is not the one") || !strings.Contains(app.Failed, "A, B") || b.ask(t, "other", "/") != "hello\n" {
			t.Errorf("failed %q", app.Failed)
		}
		if _, err := b.Push(t.Context(), "app", "", bytes.NewReader(withDeclared(t))); space.AsError(err) == nil || space.AsError(err).Code != space.CodeRefused {
			t.Errorf("a push: %v", err)
		}
		b.close()
	}
	b = newVaultBench(t, dir, "another secret")
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "3"}})
	all, err := b.Variables(t.Context(), "app", "api")
	if err != nil || len(all) != 3 || all[0].Value != "3" || all[0].Closed || !all[1].Closed {
		t.Errorf("got %+v, %v", all, err)
	}
	b.change(t, deploy.EnvChange{Unset: []string{"B"}})
	if got := b.own(t, "/"); got != "A=3" {
		t.Errorf("healed, it answers %q", got)
	}
}

// An app that is prepared with the variables of before is not published over the one
// with those of now.
func TestChangeSupersedes(t *testing.T) {
	b := newVaultBench(t, t.TempDir(), "the secret")
	b.push(t, "app", withDeclared(t))
	before, err := b.Stored(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "now"}})
	live, release, _ := b.registry.Acquire("app")
	release()
	b.OweAgain(before) // as a request does that came before, and finds its Micro asleep
	app, release, _ := b.registry.Acquire("app")
	release()
	if app != live {
		t.Fatalf("superseded by %+v", app)
	}
	now, err := b.Stored(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	b.OweAgain(now) // which is the one that is live
	app, release, _ = b.registry.Acquire("app")
	release()
	if app.Wanted == nil {
		t.Fatal("what is live cannot be prepared again")
	}
	// While it waits for that, a change makes it ready, and what was owed is for nothing.
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "last"}})
	b.prepareOwed(t)
	if got := b.own(t, "/"); got != "A=last" {
		t.Errorf("got %q", got)
	}
}

// prepareOwed prepares what is owed, of which there is something.
func (b *bench) prepareOwed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Prepare(ctx) }()
	for range 1000 {
		if strings.Contains(b.said.String(), "app is prepared") {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.Contains(b.said.String(), "app is prepared") {
		t.Errorf("nothing was prepared: %s", b.said)
	}
}
