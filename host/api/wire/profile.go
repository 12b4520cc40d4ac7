package wire

import "time"

// Profile is where a Micro spent its time.
type Profile struct {
	App      string    `json:"app"`
	Micro    string    `json:"micro"`
	Revision int       `json:"revision"`
	Began    time.Time `json:"began"`
	Seconds  float64   `json:"seconds"`
	// Replaced says that it ended early, as the app was pushed again, or removed.
	Replaced bool  `json:"replaced,omitempty"`
	Requests int64 `json:"requests"`
	// Note says why there is nothing to see.
	Note string `json:"note,omitempty"`
	Root Frame  `json:"root"`
}

// Frame is a function, with what it used together with all that it called.
type Frame struct {
	Name string `json:"name"`
	// Host says that it is none of the Micro's own.
	Host     bool    `json:"host,omitempty"`
	Samples  int64   `json:"samples"`
	Fuel     int64   `json:"fuel"`
	TimeNS   int64   `json:"time_ns"`
	Children []Frame `json:"children,omitempty"`
}

// The headers of an answer that is a file of pprof.
const (
	HeaderRequests = "X-Space-Profile-Requests"
	HeaderNote     = "X-Space-Profile-Note"
)
