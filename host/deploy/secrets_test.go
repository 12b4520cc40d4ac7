package deploy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/deploy"
)

// secrets are those of the live app, without its keys, which have to be among them.
func (b *bench) secrets(t *testing.T) string {
	t.Helper()
	app, release, ok := b.registry.Acquire("app")
	if !ok {
		t.Fatal("there is no app")
	}
	defer release()
	var others []string
	keys := 0
	for _, secret := range app.Secrets {
		if strings.HasSuffix(app.App.Key, secret) || strings.HasSuffix(app.App.APIKey, secret) {
			keys++
			continue
		}
		others = append(others, secret)
	}
	if keys != 4 { // each whole, and its secret half
		t.Errorf("%d keys in %q", keys, app.Secrets)
	}
	slices.Sort(others)
	return strings.Join(others, " ")
}

// A live app knows what no report may show: the values of all of its variables as they are now, also of Micros that do
// not see them, however it came to be live.
func TestSecretsOfAnApp(t *testing.T) {
	dir := t.TempDir()
	b := newVaultBench(t, dir, "the secret")
	b.push(t, "app", withDeclared(t))
	if got := b.secrets(t); got != "" {
		t.Errorf("got %q", got)
	}
	b.change(t, deploy.EnvChange{Set: map[string]string{"A": "all", "EMPTY": ""}})
	b.change(t, deploy.EnvChange{Micro: "web", Set: map[string]string{"B": "web's"}})
	const want = "all web's"
	if got := b.secrets(t); got != want {
		t.Errorf("after a change: %q", got)
	}
	b.push(t, "app", withDeclared(t))
	if got := b.secrets(t); got != want {
		t.Errorf("after a push: %q", got)
	}
	b.close()
	b = newVaultBench(t, dir, "the secret")
	if err := b.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.ask(t, "app", "/")
	if got := b.secrets(t); got != want {
		t.Errorf("after a restart: %q", got)
	}
	b.change(t, deploy.EnvChange{Unset: []string{"A"}})
	if got := b.secrets(t); got != "web's" {
		t.Errorf("after another change: %q", got)
	}
}
