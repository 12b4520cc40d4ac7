// Package runner is one live Micro: it admits a request, leases an instance,
// holds the deadline, and says what went wrong in the words of package space.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

// writeGrace is how much longer than the Micro's deadline a client may take to
// read, so that the page which reports the deadline still reaches it.
const writeGrace = 5 * time.Second

// idle is how many instances a Micro keeps at most for later requests, and spare
// how many it has ready where each request spends one. What is idle gives way to
// what is needed elsewhere.
const (
	idle  = 8
	spare = 2
)

// Log is where a Micro's words go.
type Log interface {
	// Open begins the log of a request, which is closed after it.
	Open(id space.RequestID) RequestLog
}

// RequestLog is the log of one request. What the guest writes to its standard
// error is written to it.
type RequestLog interface {
	io.WriteCloser
	// Fault takes what the platform has to say of a request that failed.
	Fault(e *space.Error)
}

// Config is what a Micro is made of. The module, its snapshot and the bundle become
// the Micro's: its Close closes them.
type Config struct {
	Micro    space.Micro
	Module   *wasi.Module
	Snapshot *wasi.Snapshot // nil is none
	Bundle   *os.Root
	// Env are KEY=value lines.
	Env []string
	// TmpDir is the host's folder for the executions' /tmp.
	TmpDir string
	Limits space.Limits
	// Node is shared with other Micros.
	Node Node
	Log  Log
}

// Micro is a live Micro. It is safe for concurrent use.
type Micro struct {
	config    Config
	instances *pool.Pool[*wasi.Instance]

	mu    sync.Mutex
	total space.Usage
}

var _ registry.Server = (*Micro)(nil)

// New returns a Micro, asleep. It is to be closed.
func New(config Config) *Micro {
	m := &Micro{config: config}
	limits := config.Limits
	m.instances = pool.New(
		pool.Config{
			Size: limits.Concurrency, Queue: limits.Queue, Wait: limits.QueueWait, Gate: config.Node.Gate,
			Idle: idle, Spare: spare,
		},
		m.instance,
		// An instance that does not close has been counted out already.
		func(i *wasi.Instance) { _ = i.Close() },
	)
	return m
}

// Instance is what the Micro's instances are made of.
func (c *Config) Instance() wasi.InstanceConfig {
	limits := c.Limits
	return wasi.InstanceConfig{
		Args:   c.Micro.Run,
		Env:    c.Env,
		Bundle: c.Bundle,
		TmpDir: c.TmpDir,
		Limits: wasi.Limits{
			Memory: uint64(limits.Memory), Tmp: limits.Tmp, TmpInodes: limits.TmpInodes, Response: limits.Payload,
			Fuel: limits.Fuel,
		},
		Budgets:  c.Node.budgets(),
		Snapshot: c.Snapshot,
	}
}

func (m *Micro) instance() (*wasi.Instance, error) {
	instance, err := m.config.Module.NewInstance(context.Background(), m.config.Instance())
	if errors.Is(err, wasi.ErrNoMemory) {
		err = errors.Join(pool.ErrNoRoom, err)
	}
	return instance, err
}

// Serve answers a request; see [registry.Server]. A failure of the Micro is in
// its log when Serve returns.
func (m *Micro) Serve(w http.ResponseWriter, r *http.Request) error {
	body, err := m.readBody(w, r)
	if err != nil {
		return err
	}
	defer body.release()
	instance, err := m.instances.Lease(r.Context())
	if err != nil {
		return m.admission(r.Context(), err)
	}
	give := m.instances.Drop // also after a panic
	defer func() { give(instance) }()
	err = m.execute(instance, w, r, body)
	// An instance that cannot be reset is not wrong, only spent.
	if instance.Fresh() || instance.Reset() == nil {
		give = m.instances.Keep
	}
	return err
}

// execute runs the instance under the deadline.
func (m *Micro) execute(instance *wasi.Instance, w http.ResponseWriter, r *http.Request, body *body) error {
	ctx, cancel := context.WithTimeout(r.Context(), m.config.Limits.Timeout)
	defer cancel()
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(m.config.Limits.Timeout + writeGrace))
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()

	inner := r.WithContext(ctx)
	inner.Body = body.reader()
	inner.ContentLength = body.size
	log := m.config.Log.Open(space.RequestIDOf(r.Context()))
	// The log reports its own troubles; they are not the request's.
	defer func() { _ = log.Close() }()
	began := time.Now()
	err := instance.Serve(w, inner, log)
	m.account(space.UsageOf(r.Context()), instance.Fuel(), time.Since(began))
	if err == nil {
		return nil
	}
	e := m.translate(err)
	log.Fault(e)
	return e
}

// account writes down what a request has used.
func (m *Micro) account(request *space.Usage, fuel uint64, ran time.Duration) {
	*request = space.Usage{Requests: 1, Fuel: fuel, Run: ran}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.Requests++
	m.total.Fuel += fuel
	m.total.Run += ran
}

// Usage is what all requests have used since the Micro was made.
func (m *Micro) Usage() space.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// translate is the one table from the faults of wasi to codes.
func (m *Micro) translate(err error) *space.Error {
	fault, ok := errors.AsType[*wasi.Fault](err)
	if !ok {
		return space.Internal(err)
	}
	e := &space.Error{Message: fault.Message, Detail: fault.Stack, Committed: fault.Committed, Err: fault.Err}
	switch fault.Kind {
	case wasi.FaultTrap:
		e.Code = space.CodeCrashed
	case wasi.FaultExit:
		e.Code = space.CodeExited
	case wasi.FaultOutOfMemory:
		e.Code = space.CodeOutOfMemory
	case wasi.FaultNoRoom:
		full := m.config.Node.full("the server is busy: it had no more memory for the program; try again shortly")
		e.Code, e.Message, e.Detail, e.Err = full.Code, full.Message, fault.Message, full.Err
	case wasi.FaultDeadline:
		e.Code = space.CodeDeadline
		e.Message = fmt.Sprintf("the program did not finish within %v", m.config.Limits.Timeout)
		if fault.OutOfFuel {
			e.Message = fmt.Sprintf("the program computed more than it may (%d fuel)", m.config.Limits.Fuel)
		}
	case wasi.FaultBadResponse:
		e.Code = space.CodeBadResponse
	case wasi.FaultResponseTooLarge:
		e.Code = space.CodeResponseTooLarge
		e.Message = fmt.Sprintf("the response is larger than the %d bytes that a Micro may send", m.config.Limits.Payload)
	case wasi.FaultClientGone:
		e.Code = space.CodeClientGone
	default:
		e.Code = space.CodeInternal
		e.Message = space.Internal(nil).Message
		e.Err = err
	}
	return e
}

// admission is the error of a request that got no instance.
func (m *Micro) admission(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, pool.ErrFull):
		e := space.Errorf(space.CodeQueueFull, "the Micro is busy: all of its places are taken; try again shortly")
		leased, waiting := m.instances.Load()
		e.Err = fmt.Errorf("the Micro runs %d with %d in its queue; %w", leased, waiting, m.config.Node.figures())
		return e
	case errors.Is(err, pool.ErrGateFull):
		return m.config.Node.full("the server is busy: all of its places are taken; try again shortly")
	case errors.Is(err, pool.ErrNoRoom):
		return m.config.Node.full("the server is busy: it has no memory for another execution; try again shortly")
	case errors.Is(err, pool.ErrClosed):
		return space.Errorf(space.CodePreparing, "the Micro is being replaced, or the server stops; try again")
	case ctx.Err() != nil:
		return &space.Error{Code: space.CodeClientGone, Message: "the client left while the request was queued", Err: err}
	}
	return space.Internal(err)
}

// Close waits for the requests that run, or for ctx, and frees the Micro. It is
// idempotent.
func (m *Micro) Close(ctx context.Context) error {
	if err := m.instances.Close(ctx); err != nil {
		return fmt.Errorf("close micro %s: %w", m.config.Micro.Name, err)
	}
	return errors.Join(m.config.Snapshot.Close(), m.config.Module.Close(ctx), m.config.Bundle.Close())
}
