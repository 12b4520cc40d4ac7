package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/schedule"
)

// An action is called at its times, with what a handler of the original expects.
func TestFires(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		b.start()
		b.pass(10 * time.Second)
		b.push("app", d, every("1 minute"))
		b.pass(3 * time.Minute)
		if got := d.fires(); !slices.Equal(got, []string{"00:01", "00:02", "00:03"}) {
			t.Fatalf("fired at %q", got)
		}
		b.wantRuns("00:01 ok", "00:02 ok", "00:03 ok")
		c := d.calls[0]
		if c.url != "/__space/v0/actions" || c.host != "app.example.org" || c.body != `{"event":{"id":"tick","trigger":"schedule"}}` ||
			c.header.Get("Content-Type") != "application/json" || c.header.Get(schedule.HeaderFire) != "2000-01-01T00:01:00Z" ||
			c.header.Get(schedule.HeaderTrigger) != "schedule" || c.header.Get(schedule.HeaderAttempt) != "1" {
			t.Errorf("called with %+v", c)
		}
		if lag := c.at.Sub(time.Date(2000, 1, 1, 0, 1, 0, 0, time.UTC)); lag != 0 {
			t.Errorf("it came %v late", lag)
		}
		keys := map[string]bool{}
		for _, c := range d.calls {
			keys[c.header.Get(schedule.HeaderKey)] = true
		}
		if len(keys) != 3 || keys[""] {
			t.Errorf("idempotency keys %v", keys)
		}
	})
}
