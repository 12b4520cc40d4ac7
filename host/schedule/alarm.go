package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reugn/go-quartz/quartz"
)

// alarm rings at a time. go-quartz keeps it, and decides nothing: it drops what is late,
// and has no clock but the system's. It may ring too early or, after a step of the
// clock, too late, and so the scheduler also looks at times by itself.
type alarm struct {
	scheduler quartz.Scheduler
	rings     chan struct{}
	at        time.Time
}

// newAlarm starts an alarm that is to be closed.
func newAlarm(ctx context.Context) (*alarm, error) {
	scheduler, err := quartz.NewStdScheduler(quartz.WithOutdatedThreshold(24*time.Hour), quartz.WithWorkerLimit(1))
	if err != nil {
		return nil, fmt.Errorf("make the alarm: %w", err)
	}
	a := &alarm{scheduler: scheduler, rings: make(chan struct{}, 1)}
	scheduler.Start(context.WithoutCancel(ctx))
	return a, nil
}

// set has the alarm ring after a while, and not at the time that was set before.
func (a *alarm) set(at, now time.Time) error {
	if at.Equal(a.at) {
		return nil
	}
	options := quartz.NewDefaultJobDetailOptions()
	options.Replace = true
	job := quartz.NewJobDetailWithOptions(ring{a.rings}, quartz.NewJobKey("wake"), options)
	if err := a.scheduler.ScheduleJob(job, quartz.NewRunOnceTrigger(max(at.Sub(now), 0))); err != nil {
		return fmt.Errorf("set the alarm: %w", err)
	}
	a.at = at
	return nil
}

// rang forgets the time that was set.
func (a *alarm) rang() { a.at = time.Time{} }

func (a *alarm) close() {
	a.scheduler.Stop()
	a.scheduler.Wait(context.Background())
}

// ring is the one job of the alarm.
type ring struct{ rings chan<- struct{} }

var _ quartz.Job = ring{}

// Execute implements [quartz.Job].
func (r ring) Execute(context.Context) error {
	select {
	case r.rings <- struct{}{}:
		return nil
	default:
		return errors.New("it rings already")
	}
}

// Description implements [quartz.Job].
func (ring) Description() string { return "wake the scheduler" }
