package space

import "time"

// Action is a Scheduled Action of a Micro.
type Action struct {
	ID          string `json:"id"` // unique within the app
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// DefaultInterval is how often it runs until its owner says otherwise; see
	// [ParseInterval].
	DefaultInterval string `json:"default_interval"`
	// Timezone is where the interval is meant; see [ParseZone].
	Timezone string `json:"timezone,omitempty"`
	// Path is where the Micro takes the call, below its own root; "" is [ActionsPath].
	Path string `json:"path,omitempty"`
	// Overlap says what becomes of a run that is due while the one before it goes on; ""
	// is [OverlapSkip].
	Overlap Overlap `json:"overlap,omitempty"`
	// Retries is how often a run that fails is tried again, at most [MaxRetries].
	Retries int `json:"retries,omitempty"`
	// Missed says what becomes of the runs that were due while the server was down; "" is
	// [MissedSkip].
	Missed Missed `json:"missed,omitempty"`
	// Spread is the time, in nanoseconds, within which a run may begin after it is due, so
	// that not all of a node's begin at once; at most [MaxSpread].
	Spread time.Duration `json:"spread,omitempty"`
}

const (
	// MaxRetries bounds [Action.Retries].
	MaxRetries = 5
	// MaxSpread bounds [Action.Spread].
	MaxSpread = time.Hour
)

// Overlap says what becomes of a run that is due while the one before it goes on.
type Overlap string

const (
	// OverlapSkip leaves it out.
	OverlapSkip Overlap = "skip"
	// OverlapQueue has it wait for the end of the other.
	OverlapQueue Overlap = "queue"
)

// Missed says what becomes of the runs that were due while the server was down.
type Missed string

const (
	// MissedSkip leaves them out.
	MissedSkip Missed = "skip"
	// MissedOnce makes up for all of them by one.
	MissedOnce Missed = "once"
)
