package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Options say how to measure.
type Options struct {
	// Path is what is asked for.
	Path string
	// Time is how long the stages of a module are measured.
	Time time.Duration
	// Once has the module compiled only once, as it is prepared, and not again to measure
	// that, nor with stock wazero.
	Once bool
	// Rate is how many requests a second the load has; 0 is half of what the processors
	// get through by the median of warm requests, for each server by its own.
	Rate float64
	// LoadTime is how long the load lasts; 0 is none.
	LoadTime time.Duration
	// Progress is told what is being done, and which part of it is over; nil is
	// nobody.
	Progress func(what string, done float64)
}

// Result is what was measured of a module.
type Result struct {
	Name     string
	Bytes    int64
	Contract string
	// Snapshot says why there is none, "" if there is one.
	Snapshot string
	Stages   []*Stage
	// Load is nil if there was none; LoadStock, if there was no baseline.
	Load, LoadStock *Load
}

// Run measures modules, in turns: first their stages, then how they answer under load.
func Run(ctx context.Context, options Options, subjects ...*Subject) (results []*Result, err error) {
	if options.Progress == nil {
		options.Progress = func(string, float64) {}
	}
	var sessions []*session
	defer func() {
		for _, x := range sessions {
			err = errors.Join(err, x.close(context.WithoutCancel(ctx)))
		}
	}()
	for _, s := range subjects {
		x, err := s.session(ctx, options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		sessions = append(sessions, x)
	}
	if err := measureStages(ctx, options, sessions); err != nil {
		return nil, err
	}
	for _, x := range sessions {
		results = append(results, x.result())
	}
	if options.LoadTime <= 0 {
		return results, nil
	}
	return results, measureLoad(ctx, options, sessions, results)
}

// result is what has been measured of the stages.
func (x *session) result() *Result {
	s := x.subject
	r := &Result{Name: s.name, Bytes: int64(len(s.code)), Contract: string(s.report.Contract), Snapshot: x.awake.Snapshot.Reason()}
	for _, p := range x.plans {
		r.Stages = append(r.Stages, &p.Stage)
	}
	return r
}

// measureStages measures what takes long first, and then goes through the others in
// rounds until the time is over, at least once.
func measureStages(ctx context.Context, options Options, sessions []*session) error {
	limit := options.Time * time.Duration(len(sessions))
	share := options.Time / time.Duration(len(sessions[0].plans))
	var began time.Time
	for round := 0; round == 0 || time.Since(began) < limit; round++ {
		for i, p := range sessions[0].plans {
			if round > 0 && p.once {
				continue
			}
			done := 0.0
			if !p.once {
				if began.IsZero() {
					began = time.Now()
				}
				done = min(float64(time.Since(began))/float64(limit), 1)
			}
			options.Progress("measuring: "+p.Name, done)
			for _, x := range sessions {
				if err := x.plans[i].measure(ctx, share); err != nil {
					return fmt.Errorf("%s: measure %q: %w", x.subject.name, p.Name, err)
				}
			}
		}
	}
	options.Progress("measuring", 1)
	return nil
}

// measure takes the turns of a round, ours and stock one after the other, but no more than
// there is time for, and each at least once.
func (p *plan) measure(ctx context.Context, share time.Duration) error {
	for _, way := range []struct {
		do   measure
		into *Sample
	}{{p.ours, &p.Ours}, {p.stock, &p.Stock}} {
		if way.do == nil {
			continue
		}
		began := time.Now()
		for turn := range p.turns {
			if turn > 0 && time.Since(began) > share {
				break
			}
			took, err := way.do(ctx)
			if err != nil {
				return err
			}
			way.into.Add(took)
		}
	}
	return ctx.Err()
}
