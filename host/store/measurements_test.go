package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/store"
)

// Measurements come back newest first, so many of each Micro; those of an app go with it, and
// none comes to another that has its name.
func TestMeasurements(t *testing.T) {
	s := open(t, t.TempDir())
	app, other := active(t, s, "app"), active(t, s, "other")
	note := func(m store.Measurement, key string) {
		if err := s.RecordMeasurement(t.Context(), m, key); err != nil {
			t.Fatal(err)
		}
	}
	found := func(micro string) []store.Measurement {
		list, err := s.Measurements(t.Context(), "app", micro, 100)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for i := range store.KeptMeasurements + 3 {
		note(store.Measurement{App: "app", Micro: "web", Revision: i, Time: noon.Add(time.Duration(i) * time.Minute), Path: "/", Document: fmt.Appendf(nil, "%d", i)}, app.Key)
	}
	note(store.Measurement{App: "app", Micro: "api", Revision: 1, Time: noon, Path: "/a", Document: []byte("one")}, app.Key)
	note(store.Measurement{App: "app", Micro: "api", Revision: 9, Time: noon, Path: "/"}, other.Key)
	list := found("web")
	const last = store.KeptMeasurements + 2
	if len(list) != store.KeptMeasurements || list[0].Revision != last || string(list[0].Document) != fmt.Sprint(last) || !list[0].Time.Equal(noon.Add(last*time.Minute)) {
		t.Errorf("%d, of which the newest is %+v", len(list), list[0])
	}
	if list := found("api"); len(list) != 1 || list[0].Path != "/a" || list[0].Revision != 1 {
		t.Errorf("%+v", list)
	}
	if err := s.Remove(t.Context(), "app"); err != nil {
		t.Fatal(err)
	}
	if active(t, s, "app"); len(found("web"))+len(found("api")) > 0 {
		t.Error("the heir of the name has measurements")
	}
}
