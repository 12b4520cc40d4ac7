package wire

import "time"

// Actions is the answer of GET /api/v1/apps/{app}/actions, in the Spacefile's order.
type Actions struct {
	Actions []Action `json:"actions"`
}

// Action describes a Scheduled Action. All times are UTC.
type Action struct {
	Micro       string `json:"micro"`
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Interval is the one that counts, DefaultInterval the author's.
	Interval        string `json:"interval"`
	DefaultInterval string `json:"default_interval"`
	// Timezone is where the interval is meant, "" for UTC.
	Timezone string `json:"timezone,omitempty"`
	Enabled  bool   `json:"enabled"` // false while it is paused
	// Last is the fire time of the newest run, Run what is known of it.
	Last *time.Time `json:"last,omitempty"`
	Run  *Run       `json:"run,omitempty"`
	// Next is when it fires next, Coming the fires that were asked for.
	Next   *time.Time  `json:"next,omitempty"`
	Coming []time.Time `json:"coming,omitempty"`
}

// Runs is the answer of GET /api/v1/apps/{app}/actions/runs, the newest first.
type Runs struct {
	Runs []Run `json:"runs"`
}

// Run describes one attempt at one fire of an action, or fires that did not run.
type Run struct {
	Run     int64  `json:"run"`
	Micro   string `json:"micro"`
	Action  string `json:"action"`
	Trigger string `json:"trigger"` // schedule or manual
	// Fire is the time that the interval names; First the earliest that the run stands
	// for, where several were missed.
	Fire    time.Time  `json:"fire"`
	First   *time.Time `json:"first,omitempty"`
	Attempt int        `json:"attempt"`
	// State is waiting, running, ok, failed, interrupted, skipped or missed.
	State   string     `json:"state"`
	Due     *time.Time `json:"due,omitempty"` // of one that waits: when it may begin
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	// Status is what the Micro answered, 0 if it did not; Code the platform's error.
	Status     int     `json:"status"`
	Code       string  `json:"code,omitempty"`
	DurationMS float64 `json:"duration_ms"`
	Fuel       uint64  `json:"fuel"`
	// Request is the id in the logs, Log the first lines of it.
	Request string   `json:"request,omitempty"`
	Log     []string `json:"log,omitempty"`

	// The rest is of the answer to a run by hand alone, and kept nowhere. Message says
	// what went wrong, if the platform knows; Body is what the Micro has answered, cut at
	// 64 KiB, with what is no UTF-8 replaced.
	Message string `json:"message,omitempty"`
	Body    string `json:"body,omitempty"`
	BodyCut bool   `json:"body_cut,omitempty"`
}

// Ran is the answer of POST /api/v1/apps/{app}/actions/{micro}/{id}/run.
type Ran struct {
	Run Run `json:"run"`
}

// ActionChange is what PATCH /api/v1/apps/{app}/actions/{micro}/{id} takes; what is left
// out stays.
type ActionChange struct {
	Enabled *bool `json:"enabled,omitempty"`
	// Interval is the owner's own, "" for the author's.
	Interval *string `json:"interval,omitempty"`
}
