package wasi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Instance is one sandbox. It is used by one goroutine at a time, and is to be
// closed.
type Instance struct {
	engine  *Engine
	env     []string
	limits  Limits
	memory  *memory.Reservation
	process *preview1.Process
	own     *Databases // nil where others have them too
	tmp     *fs.Tmp
	guest   *guest
	shared  Budgets
	closed  sync.Once
	// used says that a request has been served since the instance was made or
	// reset, and broken that it can never serve one again.
	used, broken bool
	stopped      bool // so was its guest
	returned     bool // the latest request came to an end without an exit
	fuel         uint64
}

// Fresh tells whether the instance can serve a request that finds nothing of an
// earlier one.
func (i *Instance) Fresh() bool { return !i.used && !i.broken }

// Fuel is what the latest request has used: to the unit if the guest returned, and
// with what its open functions had paid in advance if it exited; 0 while it runs.
func (i *Instance) Fuel() uint64 { return i.fuel }

// Stopped tells whether the latest request was stopped in the middle, or something else
// keeps the instance from serving another.
func (i *Instance) Stopped() bool { return i.stopped }

// TimeCalls has the latest request's calls of databases measured from now on, or only
// counted.
func (i *Instance) TimeCalls(on bool) { i.guest.databases.Time(on) }

// Calls is how often the latest request has called a database, and for how long if that
// was measured. Reset forgets it.
func (i *Instance) Calls() (int64, time.Duration) { return i.guest.databases.Calls() }

// Asked are the first of the latest request's calls of databases, one by one, if they were
// measured. Reset forgets them.
func (i *Instance) Asked() []Asked {
	calls := i.guest.databases.Asked()
	if calls == nil {
		return nil
	}
	asked := make([]Asked, len(calls))
	for n, c := range calls {
		asked[n] = Asked(c)
	}
	return asked
}

// Asked is a call of a database: which function of the ABI, and of a step how its statement
// begins, such as SELECT.
type Asked struct {
	Call, Kind string
	Began      time.Time
	Took       time.Duration
}

// Peak is the largest size that the linear memory has had since the latest request
// began, in bytes.
func (i *Instance) Peak() uint64 { return i.memory.Peak() }

// Serve runs the guest for one request. The body must have been read, so that no
// guest waits for a client; its length is r.ContentLength. The guest's log goes
// to stderr. The guest ends with the request's context.
//
// An error is a [*Fault]; unless it is Committed, w is as it was.
func (i *Instance) Serve(w http.ResponseWriter, r *http.Request, stderr io.Writer) error {
	if !i.Fresh() {
		return &Fault{Kind: FaultHost, Message: "the instance has served a request already"}
	}
	i.used, i.fuel = true, 0
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := i.converse(w, r, stderr, func(error) { cancel() })
	err := i.run(ctx, out, stderr)
	i.broken, i.returned = !ended(err), err == nil
	i.stopped = i.broken
	fault := outputFault(out.Err())
	if fault == nil {
		fault = i.diagnose(ctx, err)
	}
	if fault == nil {
		fault = outputFault(out.Close())
	}
	if fault == nil {
		return nil
	}
	fault.Committed = out.Committed()
	return fault
}

// run executes the guest from its start to its end. What no snapshot has done
// already comes first.
func (i *Instance) run(ctx context.Context, out conversation, stderr io.Writer) error {
	stdout := &phased{stderr} // what an initialiser says is no answer
	env, in, answer := out.stdio()
	if err := i.process.Begin(append(env, i.env...), preview1.Stdio{In: in, Out: stdout, Err: stderr}); err != nil {
		return err
	}
	i.guest.begin(i.limits.Fuel)
	defer func() { i.fuel = uint64(i.guest.meter.used()) }()
	if i.guest.snapshot == nil {
		if len(i.guest.compiled.report.Initialisers) == 0 {
			stdout.Writer = answer // a start function is a part of the program
		}
		exchange := handler.Initialise(stderr)
		if err := i.guest.initialise(handler.With(ctx, exchange), i.process); err != nil {
			return err
		}
		out.initialised(exchange.Features())
	} else {
		out.initialised(i.guest.snapshot.features)
	}
	stdout.Writer = answer
	return out.run(ctx, i)
}

// phased is a standard output that goes elsewhere while the guest initialises
// itself.
type phased struct{ io.Writer }

// Flush sends what has been written on its way, where that is waited for.
func (p *phased) Flush() error {
	if f, ok := p.Writer.(interface{ Flush() error }); ok {
		return f.Flush()
	}
	return nil
}

// Reset puts an instance that has served a request back to what a new one is. An
// error says why it cannot be: then it is to be closed.
func (i *Instance) Reset() error {
	return i.renew(func() error { return i.guest.reset(context.Background()) })
}

// Again makes an instance that has served a request ready for another, which finds the
// memory as that has left it, and nothing else of it. Where there is no snapshot to have
// begun with, a request is a program of its own, or the latest has exited, it is Reset.
func (i *Instance) Again() error {
	if i.guest.snapshot == nil || i.guest.compiled.report.Contract != ContractHandler || !i.returned {
		return i.Reset()
	}
	return i.renew(func() error {
		i.memory.Forget()
		return nil
	})
}

// renew closes what the request had open, and does the rest. If that fails the instance
// stays broken.
func (i *Instance) renew(rest func() error) error {
	if i.broken {
		return errors.New("the guest was stopped in the middle of what it did")
	}
	i.broken = true // until all of it has been done
	i.guest.databases.Reset()
	if err := errors.Join(i.process.Close(), i.tmp.Reset(), rest()); err != nil {
		return err
	}
	i.used, i.broken = false, false
	return nil
}

// Close frees the instance's memory, its descriptors and its /tmp. It is
// idempotent.
func (i *Instance) Close() error {
	i.guest.databases.Close()
	i.own.Close()
	err := errors.Join(i.guest.close(context.Background()), i.process.Close(), i.memory.Close(), i.tmp.Close())
	i.closed.Do(func() {
		if b := i.shared.Mappings; b != nil {
			b.Give(mappings)
		}
	})
	return err
}
