package space_test

import (
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// FuzzInterval holds that any text is refused or fires: after the moment that is asked about,
// in the years that there are, and at the same times from wherever between it is asked.
func FuzzInterval(f *testing.F) {
	names := []string{"UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Asia/Kathmandu"}
	for i, seed := range []string{
		"5 minutes", "1 hour", "3 days", "999999 days", "* * * * *", "0/15 * * * *", "30 2 * * *", "0 0 29 2 *", "0 0 30 2 *", "0 */3 ? feb 5-7", "*/9 1,*/4 1-31/3 * *",
		"60 * * * *", "1-0 , / - ?", "0 0 * * 7/7", "１ * * * *", "",
	} {
		f.Add(seed, uint8(i), int64(1772323200), int64(1772953199), uint32(7919*i))
		f.Add(seed, uint8(i+1), int64(-62135596801), int64(1325239199), uint32(1<<31+i))
	}
	var zones []*time.Location
	for _, name := range names {
		zones = append(zones, inZone(f, name))
	}
	f.Fuzz(func(t *testing.T, text string, zone uint8, installed, after int64, between uint32) {
		i, err := space.ParseInterval(text, zones[int(zone)%len(zones)])
		if err != nil {
			if err.Error() == "" || i != (space.Interval{}) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if again, err := space.ParseInterval(i.String(), zones[int(zone)%len(zones)]); err != nil || again != i {
			t.Fatalf("%q is not %q: %v", i, text, err)
		}
		since, from := time.Unix(installed, 0), time.Unix(after, 0)
		next := i.Next(since, from)
		if next.IsZero() {
			if from.Year() < 6000 && since.Year() < 6000 && installed > -1<<50 && after > -1<<50 {
				t.Fatalf("%q does not fire after %v, installed %v", text, from, since)
			}
			return
		}
		if !next.After(from) || next.Nanosecond() != 0 || next.UTC().Year() > 9998 {
			t.Fatalf("%q: after %v comes %v", text, from, next)
		}
		if len(strings.Fields(text)) == 2 && !next.After(since) {
			t.Fatalf("%q, installed %v, fires at %v", text, since, next)
		}
		for _, part := range []float64{0, float64(between) / (1 << 32), 1 - 1e-9} {
			middle := after + int64(float64(next.Unix()-after)*part)
			if got := i.Next(since, time.Unix(min(middle, next.Unix()-1), 999_999_999)); !got.Equal(next) {
				t.Fatalf("%q: after %v comes %v, and after %v %v", text, from, next, time.Unix(middle, 0), got)
			}
		}
	})
}
