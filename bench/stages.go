package bench

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/stock"
)

// Stage is a part of the way from a module's bytes to an answer.
type Stage struct {
	Name string
	// What says what is measured, for a person.
	What string
	// Ours is by our engine; Stock by stock wazero, empty where it has no such stage,
	// or was not asked.
	Ours, Stock Sample
}

// measure is how a stage is measured, once.
type measure func(context.Context) (time.Duration, error)

// plan is a stage with how it is measured.
type plan struct {
	Stage
	ours, stock measure
	turns       int  // in a row, in each round
	once        bool // it takes so long that there is but one round
}

// session is a subject with what its stages need to be measured.
type session struct {
	subject *Subject
	request *http.Request
	awake   *runner.Awake // apart from the Micro's own, for single instances
	kept    *wasi.Instance
	ours    *server
	theirs  *server // nil without a baseline
	plans   []*plan
}

// session makes a session that measures as the options say.
func (s *Subject) session(ctx context.Context, options Options) (*session, error) {
	x := &session{subject: s}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://bench.localhost"+options.Path, nil)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", options.Path, err)
	}
	x.request = request
	if err := x.open(ctx, options); err != nil {
		return nil, errors.Join(err, x.close(ctx))
	}
	return x, nil
}

func (x *session) open(ctx context.Context, options Options) error {
	awake, err := x.subject.wake(ctx)
	if err != nil {
		return err
	}
	if err := x.hold(ctx, awake); err != nil {
		return err
	}
	if x.ours, err = listen(ctx, x.subject, x.request.URL); err != nil {
		return err
	}
	if x.subject.stock != nil {
		if x.theirs, err = listen(ctx, x.subject.stock, x.request.URL); err != nil {
			return err
		}
	}
	x.plans = x.stages(options.Once)
	return nil
}

// hold takes what instances are made of, and makes the one that is reset.
func (x *session) hold(ctx context.Context, awake *runner.Awake) (err error) {
	x.awake = awake
	awake.Databases = wasi.NewDatabases(awake.Bundle, x.subject.config.Limits.Payload, wasi.Budgets{})
	x.kept, err = x.instance(ctx)
	return err
}

func (x *session) close(ctx context.Context) error {
	var errs []error
	for _, s := range []*server{x.ours, x.theirs} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if x.kept != nil {
		errs = append(errs, x.kept.Close())
	}
	if x.awake != nil {
		errs = append(errs, x.awake.Close(ctx))
	}
	return errors.Join(errs...)
}

func (x *session) instance(ctx context.Context) (*wasi.Instance, error) {
	return x.awake.Module.NewInstance(ctx, x.subject.config.Instance(x.awake))
}

// stages are what is measured, in the order of a module's life. Once says that it is not
// compiled again.
func (x *session) stages(once bool) []*plan {
	const few, some, many = 2, 20, 200
	all := []*plan{
		{Stage: Stage{Name: "compile", What: "its bytes to machine code and a snapshot on the disk, as at a push"}, ours: x.compile, stock: x.stockCompile, turns: few, once: true},
		{Stage: Stage{Name: "load", What: "code and snapshot from the disk, as after a deep sleep"}, ours: x.load, stock: x.stockLoad, turns: few},
		{Stage: Stage{Name: "clone", What: "a new instance, initialised"}, ours: x.clone, stock: x.stockClone, turns: some},
		{Stage: Stage{Name: "reset", What: "an instance back to its beginning, after a request"}, ours: x.reset, turns: many},
		{Stage: Stage{Name: "asleep", What: "first byte through HTTP of a Micro in deep sleep"}, ours: x.asleep, stock: x.stockAsleep, turns: few},
		{Stage: Stage{Name: "dozing", What: "first byte through HTTP of a Micro without instances"}, ours: x.dozing, stock: x.stockRequest, turns: some},
		{Stage: Stage{Name: "warm", What: "a request through HTTP, with fresh state"}, ours: x.warm, stock: x.stockRequest, turns: many},
	}
	if once {
		all[0].ours, all[0].stock = nil, nil
		all[0].Ours.Add(x.subject.compiled)
	}
	if x.theirs == nil {
		for _, p := range all {
			p.stock = nil
		}
	}
	return all
}

// forget lets go of all that the session and the Micro have of the module in memory.
func (x *session) forget(ctx context.Context) error {
	err := errors.Join(x.kept.Close(), x.awake.Close(ctx))
	x.kept, x.awake = nil, nil
	x.subject.micro.Sleep()
	runtime.GC() // which unmaps the code; a Micro that has slept for long has that behind it
	return err
}

// recall has the session hold the module again, which obtain gets, and returns how long
// that took.
func (x *session) recall(ctx context.Context, obtain func(context.Context) (*runner.Awake, error)) (time.Duration, error) {
	began := time.Now()
	awake, err := obtain(ctx)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, x.hold(ctx, awake)
}

func (x *session) compile(ctx context.Context) (time.Duration, error) {
	// What is in memory has to go, or it would be found.
	engine := x.subject.engine
	if err := errors.Join(x.forget(ctx), engine.KeepCode(nil), engine.KeepSnapshots(nil)); err != nil {
		return 0, err
	}
	return x.recall(ctx, x.subject.prepare)
}

func (x *session) stockCompile(ctx context.Context) (time.Duration, error) {
	config := x.subject.stockConfig()
	config.CacheDir = ""
	return x.stockCompiled(ctx, config)
}

func (x *session) stockLoad(ctx context.Context) (time.Duration, error) {
	return x.stockCompiled(ctx, x.subject.stockConfig())
}

func (x *session) stockCompiled(ctx context.Context, config stock.Config) (time.Duration, error) {
	began := time.Now()
	module, err := stock.Compile(ctx, x.subject.code, x.subject.report, config)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, module.Close(ctx)
}

func (x *session) load(ctx context.Context) (time.Duration, error) {
	if err := x.forget(ctx); err != nil {
		return 0, err
	}
	return x.recall(ctx, x.subject.wake)
}

func (x *session) clone(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	i, err := x.instance(ctx)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, i.Close()
}

func (x *session) stockClone(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	i, err := x.subject.stock.Instance(ctx)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	return took, i.Close(ctx)
}

func (x *session) reset(ctx context.Context) (time.Duration, error) {
	answer := httptest.NewRecorder()
	ctx, cancel := context.WithTimeout(ctx, x.subject.config.Limits.Timeout) // which a Micro has, and an instance has not
	defer cancel()
	if err := x.kept.Serve(answer, x.request.Clone(ctx), io.Discard); err != nil {
		return 0, fmt.Errorf("the module does not answer: %w", err)
	}
	if err := broken(answer.Code, answer.Body.Bytes()); err != nil {
		return 0, err
	}
	began := time.Now()
	err := x.kept.Reset()
	return time.Since(began), err
}

func (x *session) asleep(ctx context.Context) (time.Duration, error) {
	if err := x.forget(ctx); err != nil {
		return 0, err
	}
	took, err := x.ours.ask(ctx)
	if err != nil {
		return 0, err
	}
	_, err = x.recall(ctx, x.subject.wake)
	return took, err
}

// stockAsleep is what a server would do that keeps no compiled module in memory.
func (x *session) stockAsleep(ctx context.Context) (time.Duration, error) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		module, err := stock.Compile(ctx, x.subject.code, x.subject.report, x.subject.stockConfig())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		module.ServeHTTP(w, r)
		_ = module.Close(ctx) // which fails at worst to free
	})
	x.theirs.once.Store(&handler)
	defer x.theirs.once.Store(nil)
	return x.theirs.ask(ctx)
}

func (x *session) dozing(ctx context.Context) (time.Duration, error) {
	x.subject.micro.Doze()
	return x.ours.ask(ctx)
}

func (x *session) warm(ctx context.Context) (time.Duration, error) { return x.ours.ask(ctx) }

func (x *session) stockRequest(ctx context.Context) (time.Duration, error) { return x.theirs.ask(ctx) }

// server is an HTTP server on loopback with a client, and answers nobody else: others on the
// machine can reach it, too.
type server struct {
	http   *http.Server
	client *http.Client
	url    string
	key    string
	// once answers in the place of the server's handler while it is there.
	once atomic.Pointer[http.HandlerFunc]
}

// keyHeader is what the client tells that it is the client by.
const keyHeader = "X-Bench-Key"

func listen(ctx context.Context, handler http.Handler, target *url.URL) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	s := &server{url: "http://" + listener.Addr().String() + target.RequestURI(), key: rand.Text()}
	const headerTime, conns = 10 * time.Second, 1024
	s.http = &http.Server{ReadHeaderTimeout: headerTime, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(keyHeader)), []byte(s.key)) != 1 {
			http.Error(w, "this is for the benchmark alone", http.StatusMisdirectedRequest)
			return
		}
		r.Header.Del(keyHeader)
		if once := s.once.Load(); once != nil {
			once.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	})}
	s.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: conns, DisableCompression: true}}
	go func() { _ = s.http.Serve(listener) }() // until close
	return s, nil
}

func (s *server) close() error {
	s.client.CloseIdleConnections()
	return s.http.Close()
}

// ask sends a request on a connection that is open, and returns the time to the first
// byte of its answer.
func (s *server) ask(ctx context.Context) (time.Duration, error) {
	var first time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Now() }})
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.send(r); err != nil {
		return 0, err
	}
	return first.Sub(began), nil
}

// send sends a request and takes the answer.
func (s *server) send(r *http.Request) error {
	r.Header.Set(keyHeader, s.key)
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	const excerpt = 1 << 10
	text, err := io.ReadAll(io.LimitReader(resp.Body, excerpt))
	_, rest := io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, rest, resp.Body.Close()); err != nil {
		return err
	}
	return broken(resp.StatusCode, text)
}

// broken is the error of an answer that says that something went wrong in the module: what
// that takes is not what was asked.
func broken(status int, text []byte) error {
	if status < http.StatusInternalServerError {
		return nil
	}
	const excerpt = 1 << 10
	return fmt.Errorf("the module answers %d: %s", status, text[:min(len(text), excerpt)])
}
