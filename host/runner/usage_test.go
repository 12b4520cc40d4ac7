package runner_test

import (
	"net/http/httptest"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

// Who serves a request learns what it has used, and might, of which the logs and the reports tell.
func TestUsageOfARequest(t *testing.T) {
	b := newBench(t)
	m := b.micro(t, "state", nil)
	for i, want := range []space.Start{space.StartClone, space.StartReset} {
		var u space.Usage
		if err := m.Serve(httptest.NewRecorder(), request(space.WithUsage(t.Context(), &u), "id", "/", nil)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = u.Start // clone or load, as the Micro was awake or not
		}
		if u.Requests != 1 || u.Start != want || u.Start == "" || u.Fuel == 0 || u.Memory == 0 || u.Memory%65536 != 0 || u.Limits == nil ||
			u.Memory > uint64(u.Limits.Memory) || u.Limits.Timeout != b.limits.Timeout {
			t.Errorf("got %+v", u)
		}
	}
	var u space.Usage
	err := b.micro(t, "grow", func(l *space.Limits) { l.Memory = 8 << 20 }).Serve(httptest.NewRecorder(), request(space.WithUsage(t.Context(), &u), "id", "/", nil))
	if e := space.AsError(err); e == nil || e.Code != space.CodeOutOfMemory || u.Memory < 1<<20 || u.Memory > 8<<20 || u.Limits.Memory != 8<<20 {
		t.Errorf("%v, got %+v", err, u)
	}
	if total := m.Usage(); total.Limits != nil || total.Start != "" {
		t.Errorf("of all requests %+v", total)
	}
}
