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
