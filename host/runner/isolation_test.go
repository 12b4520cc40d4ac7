package runner_test

import (
	"context"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// A Micro whose instances keep their memory finds what requests before have left; any
// other, and one whose requests are programs, does not.
func TestIsolation(t *testing.T) {
	for _, c := range []struct {
		guest     string
		isolation space.Isolation
		want      [3]string
	}{
		{"count", space.IsolationRequest, [3]string{"1\n", "1\n", "1\n"}},
		{"count", "", [3]string{"1\n", "1\n", "1\n"}},
		{"count", space.IsolationInstance, [3]string{"1\n", "2\n", "3\n"}},
		{"state", space.IsolationInstance, [3]string{"1\n", "1\n", "1\n"}},
	} {
		b := newBench(t)
		dir := t.TempDir()
		m := runner.New(runner.Config{
			Micro: space.Micro{Name: c.guest, Run: []string{"main.wasm"}}, TmpDir: t.TempDir(), Limits: b.limits, Log: b.log,
			Isolation: c.isolation,
			Wake: func(ctx context.Context) (*runner.Awake, error) {
				module, err := b.engine.Compile(ctx, wasitest.Guest(c.guest))
				if err != nil {
					return nil, err
				}
				bundle, err := os.OpenRoot(dir)
				if err != nil {
					return nil, err
				}
				snapshot, err := module.Initialise(ctx, wasi.Initialisation{Timeout: b.limits.Timeout, Instance: wasi.InstanceConfig{
					Args: []string{"main.wasm"}, Bundle: bundle, TmpDir: dir, Limits: wasi.Limits{Memory: 8 << 20},
				}})
				return &runner.Awake{Module: module, Bundle: bundle, Snapshot: snapshot}, err
			},
		})
		for i, want := range c.want {
			rec := httptest.NewRecorder()
			if err := m.Serve(rec, request(t.Context(), "id", "/", nil)); err != nil || rec.Body.String() != want {
				t.Errorf("%s, isolation %q, request %d: %q, %v", c.guest, c.isolation, i, rec.Body, err)
			}
		}
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
