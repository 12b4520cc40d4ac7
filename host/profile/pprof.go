package profile

import (
	"fmt"
	"io"

	"github.com/google/pprof/profile"
	"github.com/spacewasm/spacewasm/wasi"
)

// WritePprof writes the profile as `go tool pprof` reads it: protocol buffers
// (github.com/google/pprof/proto/profile.proto), compressed by gzip.
func (p *Profile) WritePprof(w io.Writer) error {
	out := &profile.Profile{
		SampleType: []*profile.ValueType{
			{Type: "samples", Unit: "count"}, {Type: "fuel", Unit: "count"}, {Type: "time", Unit: "nanoseconds"},
		},
		DefaultSampleType: "time",
		TimeNanos:         p.Began.UnixNano(),
		DurationNanos:     p.Took.Nanoseconds(),
		Comments:          []string{fmt.Sprintf("Micro %s of the app %s, revision %d: %d requests", p.Micro, p.App, p.Revision, p.Requests)},
	}
	places := places{out: out, of: map[wasi.Frame]*profile.Location{}}
	for _, s := range p.Stacks {
		sample := &profile.Sample{Value: []int64{s.Count, s.Fuel, s.Time.Nanoseconds()}}
		for _, f := range s.Frames {
			sample.Location = append(sample.Location, places.at(f))
		}
		out.Sample = append(out.Sample, sample)
	}
	if err := out.CheckValid(); err != nil {
		return fmt.Errorf("make a profile: %w", err)
	}
	return out.Write(w)
}

// places gives functions their numbers in a file.
type places struct {
	out *profile.Profile
	of  map[wasi.Frame]*profile.Location
}

func (p places) at(f wasi.Frame) *profile.Location {
	if known := p.of[f]; known != nil {
		return known
	}
	id := uint64(len(p.of) + 1)
	function := &profile.Function{ID: id, Name: f.Name, SystemName: f.Name}
	location := &profile.Location{ID: id, Line: []profile.Line{{Function: function}}}
	p.out.Function, p.out.Location = append(p.out.Function, function), append(p.out.Location, location)
	p.of[f] = location
	return location
}
