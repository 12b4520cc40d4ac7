package space

import "time"

// ActionKey names a Scheduled Action.
type ActionKey struct {
	App   AppName
	Micro string
	ID    string
}

// String is how people write it: MICRO/ID, the app aside.
func (k ActionKey) String() string { return k.Micro + "/" + k.ID }

// RunState says what has become of a fire of an action.
type RunState string

// The states. All but the first two are final.
const (
	// RunWaiting is a fire that is due and has no place yet, or waits for the one
	// before it, or for its next attempt.
	RunWaiting RunState = "waiting"
	RunRunning RunState = "running"
	RunOK      RunState = "ok"
	RunFailed  RunState = "failed"
	// RunInterrupted ran when the server was killed: how far it came, nobody knows.
	RunInterrupted RunState = "interrupted"
	// RunSkipped did not run, as the one before it had not ended, or as its action was
	// paused or dropped meanwhile.
	RunSkipped RunState = "skipped"
	// RunMissed did not run, as nobody was there at its time.
	RunMissed RunState = "missed"
)

// Trigger says why an action runs.
type Trigger string

// The triggers.
const (
	TriggerSchedule Trigger = "schedule"
	TriggerManual   Trigger = "manual" // its owner has asked for it
)

// Run is one attempt at one fire of an action, or what stands for fires that did not
// run.
type Run struct {
	ID      int64 // 0 is not recorded
	Action  ActionKey
	Trigger Trigger
	// Fire is the time that the interval names, and of a manual run when it was asked
	// for. First is the earliest fire that the run stands for: it is before Fire where
	// several were missed.
	Fire, First time.Time
	Attempt     int // from 1
	State       RunState
	// Due is when a run that waits may begin.
	Due            time.Time
	Started, Ended time.Time // zero if it has not
	Status         int       // what the Micro answered, 0 for nothing
	Fuel           uint64
	Code           Code // of the platform's error, "" for none
	// Request is its id in the logs.
	Request RequestID
}

// Took is how long a run took, 0 if it has not ended.
func (r Run) Took() time.Duration {
	if r.Started.IsZero() || r.Ended.IsZero() {
		return 0
	}
	return r.Ended.Sub(r.Started)
}
