// Package record is what was measured of modules, for machines and for eyes: what a
// benchmark writes, the server keeps, and pages show.
package record

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

// Bucket is a range of durations with the number of measurements in it, its upper
// bound not included.
type Bucket struct {
	From  time.Duration `json:"from_ns"`
	To    time.Duration `json:"to_ns"`
	Count int           `json:"count"`
}

// Verdict is what can be said of two samples.
type Verdict struct {
	// Ratio is the median of the first by that of the second.
	Ratio float64 `json:"ratio"`
	// P is how likely a difference like this is where there is none (Mann-Whitney U
	// test, two-sided).
	P float64 `json:"p"`
	// Differ tells whether P is so small that they differ.
	Differ bool `json:"differ"`
}

// Against says which of two modules is faster at a stage.
type Against struct {
	Stage string `json:"stage"`
	Verdict
}
