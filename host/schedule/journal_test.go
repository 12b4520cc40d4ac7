package schedule_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
)

// diary keeps what the scheduler tells its journal.
type diary struct {
	mu     sync.Mutex
	visits []schedule.Visit
}

func (d *diary) Called(v *schedule.Visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visits = append(d.visits, *v)
}

// The journal is told of each attempt once, under the id that the history has, with what the Micro
// was asked, answered and used, or why it could not.
func TestJournal(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		diary := &diary{}
		b.journal = diary
		d := &door{}
		d.serve = func(w http.ResponseWriter, r *http.Request) error {
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1, Fuel: 7}
			switch d.count() {
			case 1:
				time.Sleep(2 * time.Second)
				return &space.Error{Code: space.CodeCrashed, Message: "it crashed", Words: []string{"last"}}
			case 2:
				panic("a bug")
			case 3: // is no attempt of its own
				*space.UsageOf(r.Context()) = space.Usage{}
				return space.Errorf(space.CodeQueueFull, "full")
			}
			_, err := io.WriteString(w, strings.Repeat("x", 70<<10))
			return err
		}
		b.start()
		app := b.push("app", d, with("1 day", func(a *space.Action) { a.Retries, a.Path = 2, "/cron" }))
		b.pass(24*time.Hour + 5*time.Minute)
		b.wantRuns("00:00 failed", "00:00#2 failed", "00:00#3 ok")
		if len(diary.visits) != 3 {
			t.Fatalf("told of %+v", diary.visits)
		}
		first, second, third := diary.visits[0], diary.visits[1], diary.visits[2]
		if first.Status != http.StatusBadGateway || first.Err == nil || first.Err.Code != space.CodeCrashed || first.Err.Words[0] != "last" ||
			first.Took != 2*time.Second || first.Usage.Fuel != 7 || first.App != app || first.Path != "/cron" || first.Inner.URL.Path != "/cron" ||
			first.Run.Trigger != space.TriggerSchedule || space.RequestIDOf(first.Inner.Context()) != first.Run.Request {
			t.Errorf("got %+v", first)
		}
		if second.Err == nil || second.Err.Code != space.CodeInternal || second.Run.Request == first.Run.Request {
			t.Errorf("got %+v", second)
		}
		if third.Status != http.StatusOK || third.Err != nil || third.Bytes != 70<<10 || third.Run.State != space.RunOK {
			t.Errorf("got %+v", third)
		}
		if said := b.said.String(); !strings.Contains(said, "path=/cron") || !strings.Contains(said, "trigger=schedule") ||
			!strings.Contains(said, string(first.Run.Request)) {
			t.Errorf("the server's log says %s", said)
		}
		b.registry.Publish(&registry.App{App: app.App, Revision: app.Revision, Failed: "bad"})
		b.pass(24 * time.Hour)
		if last := diary.visits[len(diary.visits)-1]; last.Err == nil || last.Err.Code != space.CodeRefused || last.Path != "/cron" || last.Inner != nil {
			t.Errorf("got %+v", last)
		}
	})
}

// What an app owes that is gone is not done to who has its name now.
func TestHeirIsNotCalled(t *testing.T) {
	for name, manual := range map[string]bool{"a fire": false, "by hand": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, b *bench) {
				full := &door{serve: func(http.ResponseWriter, *http.Request) error { return space.Errorf(space.CodeNodeFull, "full") }}
				heir := &door{}
				b.start()
				b.push("app", full, every("1 minute"))
				ended := make(chan error, 1)
				if manual {
					go func() {
						_, err := b.scheduler.RunNow(t.Context(), key("app"))
						ended <- err
					}()
					b.pass(time.Second)
				} else {
					ended <- nil
					b.pass(time.Minute + time.Second)
				}
				if err := b.store.Remove(t.Context(), "app"); err != nil {
					t.Fatal(err)
				}
				b.registry.Remove("app")
				b.push("app", heir, every("1 day"))
				b.pass(2 * time.Minute)
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if heir.count() != 0 {
					t.Errorf("the new app has been called with %+v", heir.calls)
				}
				b.wantRuns()
			})
		})
	}
}
