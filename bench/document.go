package bench

import (
	"runtime"
	"time"
)

// Document is what was measured, for machines. Times are in nanoseconds.
type Document struct {
	Version    string    `json:"version"`
	When       time.Time `json:"when"`
	Machine    Machine   `json:"machine"`
	Modules    []Module  `json:"modules"`
	Comparison []Against `json:"comparison,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	CPU        string `json:"cpu"`
	Processors int    `json:"processors"`
	System     string `json:"system"`
	Go         string `json:"go"`
}

// ThisMachine describes the machine.
func ThisMachine() Machine {
	return Machine{CPU: processor(), Processors: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
}

// Module is what was measured of a module.
type Module struct {
	Name       string        `json:"name"`
	Bytes      int64         `json:"bytes"`
	Contract   string        `json:"contract"`
	NoSnapshot string        `json:"no_snapshot,omitempty"`
	Stages     []StageFigure `json:"stages"`
	Load       *LoadFigure   `json:"load,omitempty"`
	LoadStock  *LoadFigure   `json:"load_stock,omitempty"`
}

// StageFigure is a stage of a module.
type StageFigure struct {
	Name  string   `json:"name"`
	What  string   `json:"what"`
	Ours  Figures  `json:"ours"`
	Stock *Figures `json:"stock,omitempty"`
	// Ratio is how many times faster it is than with stock wazero, by the medians.
	Ratio float64 `json:"times_faster,omitempty"`
}

// LoadFigure is how a server answered under load.
type LoadFigure struct {
	Rate     float64 `json:"requests_per_second_due"`
	Achieved float64 `json:"requests_per_second_answered"`
	Due      int64   `json:"due"`
	Failed   int64   `json:"failed"`
	Unsent   int64   `json:"unsent"`
	Took     Figures `json:"took"`
}

// Figures sum up a sample.
type Figures struct {
	Count     int           `json:"count"`
	P50       time.Duration `json:"p50_ns"`
	P90       time.Duration `json:"p90_ns"`
	P99       time.Duration `json:"p99_ns"`
	Max       time.Duration `json:"max_ns"`
	Histogram []Bucket      `json:"histogram"`
}

// Against says which of two modules is faster at a stage.
type Against struct {
	Stage string `json:"stage"`
	Verdict
}

// Buckets is how many a histogram has.
const Buckets = 24

func (s *Sample) figures() Figures {
	return Figures{
		Count: s.Count(), P50: s.Quantile(0.5), P90: s.Quantile(0.9), P99: s.Quantile(0.99), Max: s.Quantile(1),
		Histogram: s.Histogram(Buckets),
	}
}

func (l *Load) figures() *LoadFigure {
	if l == nil {
		return nil
	}
	return &LoadFigure{Rate: l.Rate, Achieved: l.Achieved, Due: l.Due, Failed: l.Failed, Unsent: l.Unsent, Took: l.Took.figures()}
}

// NewDocument sums results up. Of two, the second is what the first is compared with.
func NewDocument(version string, results []*Result) *Document {
	d := &Document{Version: version, When: time.Now().UTC().Truncate(time.Second), Machine: ThisMachine()}
	for _, r := range results {
		m := Module{
			Name: r.Name, Bytes: r.Bytes, Contract: r.Contract, NoSnapshot: r.Snapshot,
			Load: r.Load.figures(), LoadStock: r.LoadStock.figures(),
		}
		for _, s := range r.Stages {
			f := StageFigure{Name: s.Name, What: s.What, Ours: s.Ours.figures()}
			if s.Stock.Count() > 0 {
				stock := s.Stock.figures()
				f.Stock, f.Ratio = &stock, float64(stock.P50)/float64(max(f.Ours.P50, 1))
			}
			m.Stages = append(m.Stages, f)
		}
		d.Modules = append(d.Modules, m)
	}
	if len(results) == 2 {
		for i, s := range results[0].Stages {
			d.Comparison = append(d.Comparison, Against{s.Name, Compare(&s.Ours, &results[1].Stages[i].Ours)})
		}
	}
	return d
}
