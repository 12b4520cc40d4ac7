// Package runner is one live Micro: it admits a request, leases an instance,
// holds the deadline, and says what went wrong in the words of package space.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/telemetry"
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
	// Tail returns the last lines that the guest wrote, also once it is closed.
	Tail() []string
}

// Config is what a Micro is made of.
type Config struct {
	Micro space.Micro
	// Awake is what the Micro begins with, and becomes its own; nil is a Micro that
	// sleeps.
	Awake *Awake
	// Wake gets what the Micro needs when somebody asks for it. An error that is a
	// [*space.Error] is what the visitor is told.
	Wake func(context.Context) (*Awake, error)
	// Env are KEY=value lines.
	Env []string
	// TmpDir is the host's folder for the executions' /tmp.
	TmpDir string
	Limits space.Limits
	// Isolation says what requests have of one another; "" is
	// [space.IsolationRequest].
	Isolation space.Isolation
	// Node is shared with other Micros.
	Node Node
	Log  Log
}

// Micro is a live Micro. It is safe for concurrent use.
type Micro struct {
	config    Config
	instances *pool.Pool[*sandbox]

	waking sync.Mutex // held while the Micro wakes, or falls asleep
	core   *core      // nil while it sleeps
	used   atomic.Int64
	held   atomic.Int64 // bytes of the memory of instances
	awake  atomic.Bool  // core is there, for who must not wait
	// profile is what instances are told to report to; nil if there is none.
	profile atomic.Pointer[wasi.Profile]

	mu    sync.Mutex
	total space.Usage
}

var _ registry.Server = (*Micro)(nil)

// New returns a Micro, which is to be closed.
func New(config Config) *Micro {
	m := &Micro{config: config}
	limits := config.Limits
	m.instances = pool.New(
		pool.Config{
			Size: limits.Concurrency, Queue: limits.Queue, Wait: limits.QueueWait, Gate: config.Node.Gate,
			Idle: idle, Spare: spare,
		},
		m.sandbox, m.free,
	)
	m.touch()
	if config.Awake != nil {
		m.core = newCore(config.Awake, &m.config)
		m.awake.Store(true)
		config.Node.Sleeper.add(m)
	}
	m.config.Awake = nil // which is the core's now
	return m
}

// Instance is what the Micro's instances are made of.
func (c *Config) Instance(awake *Awake) wasi.InstanceConfig {
	limits := c.Limits
	return wasi.InstanceConfig{
		Args:   c.Micro.Run,
		Env:    c.Env,
		Bundle: awake.Bundle,
		TmpDir: c.TmpDir,
		Limits: wasi.Limits{
			Memory: uint64(limits.Memory), Tmp: limits.Tmp, TmpInodes: limits.TmpInodes, Response: limits.Payload,
			Fuel: limits.Fuel,
		},
		Budgets:   c.Node.budgets(),
		Snapshot:  awake.Snapshot,
		Databases: awake.Databases,
	}
}

// sandbox is an instance, and how it came to be.
type sandbox struct {
	*wasi.Instance
	core *core
	// profile is what it reports to; nil costs nothing.
	profile *wasi.Profile
	start   space.Start
	took    time.Duration     // what the start took of the request that it was made for
	why     telemetry.Discard // it is given back to be used no more
	held    int64             // what is counted of its memory
}

// sandbox makes an instance, and wakes the Micro if it must.
func (m *Micro) sandbox() (*sandbox, error) {
	ctx := context.Background()
	began := time.Now()
	core, woken, err := m.hold(ctx)
	if errors.Is(err, wasi.ErrNoMemory) {
		err = errors.Join(pool.ErrNoRoom, err)
	}
	if err != nil {
		return nil, err
	}
	s := &sandbox{core: core, start: space.StartClone, why: telemetry.DiscardIdle}
	if woken {
		s.start = space.StartLoad
	}
	s.profile = m.profile.Load()
	config := m.config.Instance(core.Awake)
	config.Profile = s.profile
	s.Instance, err = core.Module.NewInstance(ctx, config)
	s.took = time.Since(began)
	if err == nil {
		s.measure(&m.held, int64(s.Peak()))
		m.config.Node.Instances.Started(s.start)
		return s, nil
	}
	_, left := core.release(ctx)
	switch {
	case errors.Is(err, wasi.ErrNoMemory):
		err = errors.Join(pool.ErrNoRoom, err)
	case errors.Is(err, wasi.ErrUnprepared): // what it is made of is gone: who wakes it will see
		m.forget(core)
	}
	return nil, errors.Join(err, left)
}

// free ends an instance. One that does not close has been counted out already.
func (m *Micro) free(s *sandbox) {
	s.measure(&m.held, 0)
	s.core.node.Instances.Discarded(s.why)
	_ = s.Close()
	_, _ = s.core.release(context.Background())
}

// touch notes that the Micro is in use.
func (m *Micro) touch() { m.used.Store(time.Now().UnixNano()) }

func (m *Micro) lastUsed() time.Time { return time.Unix(0, m.used.Load()) }

// Serve answers a request; see [registry.Server]. A failure of the Micro is in
// its log when Serve returns.
func (m *Micro) Serve(w http.ResponseWriter, r *http.Request) error {
	body, err := m.readBody(w, r)
	if err != nil {
		return err
	}
	defer body.release()
	m.touch()
	defer m.touch()
	asked := time.Now()
	box, err := m.instances.Lease(r.Context())
	visit := &space.UsageOf(r.Context()).Visit
	visit.Queue = time.Since(asked)
	if err != nil {
		return m.admission(r.Context(), err)
	}
	give := m.instances.Drop // also after a panic
	defer func() { give(box) }()
	visit.Queue, visit.Made, visit.Start = max(visit.Queue-box.took, 0), box.took, box.start
	w = m.timed(w, r, box, *visit)
	box.why = telemetry.DiscardStopped
	err = m.execute(box, w, r, body)
	if m.keeps(box) {
		give = m.instances.Keep
	}
	return err
}

// keeps makes an instance ready for another request, and tells whether it is. One that
// cannot be reset is not wrong, only spent.
func (m *Micro) keeps(box *sandbox) bool {
	switch {
	case !m.isCurrent(box.core), box.profile != m.profile.Load():
		box.why = telemetry.DiscardReplaced
		return false
	case !box.Fresh() && m.renew(box) != nil:
		if !box.Stopped() {
			box.why = telemetry.DiscardSpent
		}
		return false
	}
	box.start, box.took, box.why = space.StartReset, 0, telemetry.DiscardIdle
	box.measure(&m.held, int64(box.Peak()))
	m.config.Node.Instances.Started(box.start)
	return true
}

// renew makes an instance ready for the next request.
func (m *Micro) renew(box *sandbox) error {
	if m.config.Isolation == space.IsolationInstance {
		return box.Again()
	}
	return box.Reset()
}

// execute runs the instance under the deadline.
func (m *Micro) execute(box *sandbox, w http.ResponseWriter, r *http.Request, body *body) error {
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
	usage := space.UsageOf(r.Context())
	usage.Words = log.Tail
	box.TimeCalls(usage.Timed)
	began := time.Now()
	err := box.Serve(w, inner, log)
	m.account(usage, box, time.Since(began))
	usage.Calls, usage.CallTime = box.Calls()
	for _, asked := range box.Asked() {
		usage.Asked = append(usage.Asked, space.Asked(asked))
	}
	if err == nil {
		return nil
	}
	e := m.translate(err)
	log.Fault(e)
	return e
}

// account writes down what a request has used.
func (m *Micro) account(request *space.Usage, box *sandbox, ran time.Duration) {
	fuel := box.Fuel()
	request.Requests, request.Fuel, request.Run = 1, fuel, ran
	request.Memory, request.Limits = box.Peak(), &m.config.Limits
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.Requests++
	m.total.Fuel += fuel
	m.total.Run += ran
	m.total.Last = time.Now()
}

// Usage is what all requests have used since the Micro was made.
func (m *Micro) Usage() space.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// Load is how many instances the Micro has leased and idle, how many requests wait for
// one, and whether it is awake.
func (m *Micro) Load() telemetry.Load {
	var l telemetry.Load
	l.Leased, l.Waiting = m.instances.Load()
	l.Idle, l.Awake = m.instances.Idle(), m.awake.Load()
	return l
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
	if told, ok := errors.AsType[*space.Error](err); ok { // by who was to wake it
		return told
	}
	switch {
	case errors.Is(err, wasi.ErrUnprepared):
		return space.Errorf(space.CodePreparing, "the Micro is being prepared; try again in a moment")
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
	m.waking.Lock()
	defer m.waking.Unlock()
	if m.core == nil {
		return nil
	}
	_, err := m.letGo(ctx)
	return err
}
