package bench

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Requests are timed from when they were due: a server that stands still for a moment
// is charged for all who would have come meanwhile.
func TestLoadIsOpen(t *testing.T) {
	const rate, still = 500, 400 * time.Millisecond
	var once sync.Once
	var door sync.RWMutex
	s, err := listen(t.Context(), http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() {
			door.Lock()
			time.AfterFunc(still, door.Unlock)
		})
		door.RLock()
		defer door.RUnlock()
	}), &url.URL{Path: "/"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	l := &Load{Rate: rate}
	if err := l.offer(t.Context(), s, time.Second); err != nil {
		t.Fatal(err)
	}
	late := 0
	for _, d := range l.Took.times {
		if d > still/4 {
			late++
		}
	}
	if want := int(rate * still.Seconds() / 2); late < want || l.Due != rate || l.Unsent+l.Failed > 0 {
		t.Errorf("%d of %d were late, want at least %d; %d unsent, %d failed", late, l.Due, want, l.Unsent, l.Failed)
	}
}

// Others on the machine, and pages that a browser there has open, are not answered (T18); the
// module sees nothing of what the client is told by.
func TestListenIsForItsClient(t *testing.T) {
	s, err := listen(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["X-Bench-Key"]) > 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}), &url.URL{Path: "/x"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if _, err := s.ask(t.Context()); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"", "guessed"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(keyHeader, key)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("with the key %q: %d", key, resp.StatusCode)
		}
	}
}
