// Package coldstart measures how fast live Micros begin: one at a time, in a process apart,
// with the module, files, variables and limits that answer now, but without their visitors.
// What was found is kept with the revision that it was found of.
package coldstart

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

const (
	// DefaultTime is how long the stages of a Micro are measured, once it is compiled.
	DefaultTime = 5 * time.Second
	// patience is how long all of it may take: compiling takes longest, and that has
	// bounds of its own.
	patience = 5 * time.Minute
	// maxPath bounds the path that is asked for, in bytes.
	maxPath = 2 << 10
	// maxReason bounds what is told of a failure, in bytes: some of it is the guest's.
	maxReason = 2 << 10
)

// Job is what is to be measured. It is handed to another process as JSON, and has secrets:
// it is neither logged nor kept.
type Job struct {
	Name string `json:"name"`
	// Bundle is the folder of the Micro's files, and Run the module below it, with its
	// arguments.
	Bundle string   `json:"bundle"`
	Run    []string `json:"run"`
	// Env are KEY=value lines.
	Env       []string        `json:"env"`
	Limits    space.Limits    `json:"limits"`
	Isolation space.Isolation `json:"isolation"`
	// Memory and Tmp are what its instances, and their files in /tmp, may have together,
	// and Disk what one compilation may write, in bytes.
	Memory int64 `json:"memory"`
	Tmp    int64 `json:"tmp"`
	Disk   int64 `json:"disk"`
	// Dir is a folder for what is compiled; it is emptied afterwards.
	Dir string `json:"dir"`
	// Path is what is asked for, and Time how long.
	Path string        `json:"path"`
	Time time.Duration `json:"time"`
}

// Measure does a job, and tells how far it is. It returns before ctx has long ended. Its
// error is for the Micro's owner.
type Measure func(ctx context.Context, job Job, progress func(what string, done float64)) (*record.Document, error)

// Config is what a [Desk] is made of; all of it stays the caller's.
type Config struct {
	Registry *registry.Registry
	Store    *store.Store
	// Measure does the work; nil is a server that cannot.
	Measure Measure
	// Bundle opens the files of a Micro; who asks closes them.
	Bundle func(space.Digest) (*os.Root, error)
	// Dir is where folders for what is compiled are made.
	Dir string
	// Memory and Tmp are the node's, of which a job takes its part.
	Memory, Tmp Budget
	// Room tells whether n more bytes may go to the disk.
	Room func(n int64) bool
	// Turn waits until the node may prepare something, and returns what ends that.
	Turn   func(context.Context) (end func(), err error)
	Now    func() time.Time
	Logger *slog.Logger
}

// Budget is an amount of which a job takes a part: see [pool.Budget].
type Budget interface {
	Take(n int64) bool
	Give(n int64)
}

var _ Budget = (*pool.Budget)(nil)

// Desk takes jobs, one at a time for the node. It is safe for concurrent use.
type Desk struct {
	config Config
	jobs   chan job

	mu    sync.Mutex
	now   *job                    // nil if there is none
	stop  context.CancelCauseFunc // of now
	state Progress
	// failed is why the last of a Micro has failed, by its app's key and its name.
	failed map[string]Failure
}

// job is a [Job] with whose it is.
type job struct {
	Job
	app      space.App
	micro    space.Micro
	revision int
	secrets  []string
	// ctx ends when the job is given up.
	ctx context.Context //nolint:containedctx // it is handed over with the job
}

// Progress is how far a job is.
type Progress struct {
	App   space.AppName
	Micro string
	// What is being done, and Done which part of it is over, 0 to 1.
	What  string
	Done  float64
	Began time.Time
}

// Failure is why nothing was measured.
type Failure struct {
	Time   time.Time
	Path   string
	Reason string
}

// maxFailures bounds how many are remembered; those of others are forgotten then.
const maxFailures = 1000

// New returns a desk at which nobody works before [Desk.Run].
func New(config Config) *Desk {
	return &Desk{config: config, jobs: make(chan job, 1), failed: map[string]Failure{}}
}

// program is a Micro that can be measured: not one of files only.
type program interface{ Describe() runner.Described }

var _ program = (*runner.Micro)(nil)

// Start takes a job: to measure a Micro of an app, by a path that is asked for. The error is
// a [*space.Error]; one whose code is [space.CodeQueueFull] says that there is another job.
func (d *Desk) Start(app space.AppName, micro, path string) error {
	if d.config.Measure == nil {
		return space.Errorf(space.CodeNotFound, "this server does not measure; `spacewasm bench FILE.wasm` does")
	}
	_, err := url.ParseRequestURI(path)
	if err != nil || !strings.HasPrefix(path, "/") || len(path) > maxPath || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return space.Errorf(space.CodeBadRequest, "a path begins with /, has no blanks, %% only before two hexadecimal digits, and %d bytes at most", maxPath)
	}
	j, err := d.job(app, micro)
	if err != nil {
		return err
	}
	j.Path = path
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now != nil {
		return space.Errorf(space.CodeQueueFull, "the server measures another Micro, and one at a time: try again in a minute")
	}
	j.ctx, d.stop = context.WithCancelCause(context.Background())
	d.now = &j
	d.state = Progress{App: app, Micro: micro, What: "waiting for a turn", Began: d.config.Now()}
	delete(d.failed, keyOf(j.app, micro))
	d.jobs <- j // there is room, as there is no other
	return nil
}

// errStopped is the reason of a job that its owner has given up.
var errStopped = errors.New("it was stopped")

// Stop gives the job of a Micro up, if there is one.
func (d *Desk) Stop(app space.App, micro string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now != nil && keyOf(d.now.app, d.now.micro.Name) == keyOf(app, micro) {
		d.stop(errStopped)
	}
}

// job describes a live Micro.
func (d *Desk) job(name space.AppName, micro string) (job, error) {
	app, release, ok := d.config.Registry.Acquire(name)
	if !ok {
		return job{}, space.Errorf(space.CodeNotFound, "there is no app %q", name)
	}
	release() // its files are opened again, and gone then if it was replaced
	for _, route := range app.Routes {
		if route.Micro.Name != micro {
			continue
		}
		p, ok := route.Server.(program)
		if !ok {
			return job{}, space.Errorf(space.CodeBadRequest, "%s has files only: there is nothing that starts", micro)
		}
		is := p.Describe()
		return job{
			app: app.App, micro: is.Micro, revision: app.Revision.Number, secrets: app.Secrets,
			Job: Job{
				Name: string(name) + "/" + micro, Run: is.Micro.Run, Env: is.Env, Limits: is.Limits, Isolation: is.Isolation,
				Bundle: string(is.Micro.Bundle), Time: DefaultTime,
			},
		}, nil
	}
	return job{}, space.Errorf(space.CodeNotFound, "the app %q does not run, or has no Micro %.80q", name, micro)
}

// State returns how far the job of a Micro is, and whether there is one.
func (d *Desk) State(app space.App, micro string) (Progress, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.now == nil || keyOf(d.now.app, d.now.micro.Name) != keyOf(app, micro) {
		return Progress{}, false
	}
	return d.state, true
}

// Busy tells whether there is a job, whosever it is.
func (d *Desk) Busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now != nil
}

// Failed returns why the last job of a Micro has failed, and whether it has.
func (d *Desk) Failed(app space.App, micro string) (Failure, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f, ok := d.failed[keyOf(app, micro)]
	return f, ok
}

// keyOf tells Micros of apps apart that had the same name one after the other.
func keyOf(app space.App, micro string) string { return app.Key + " " + micro }

// at notes how far the job is.
func (d *Desk) at(what string, done float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state.What, d.state.Done = what, min(max(done, 0), 1)
}

// end notes that the job is over.
func (d *Desk) end(j job, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stop(nil)
	d.now = nil
	if err == nil {
		return
	}
	if len(d.failed) >= maxFailures {
		clear(d.failed)
	}
	// Some of it are the guest's words.
	reason := reports.Masked(err.Error(), j.secrets)
	d.failed[keyOf(j.app, j.micro.Name)] = Failure{Time: d.config.Now(), Path: withoutValues(j.Path), Reason: reason[:min(len(reason), maxReason)]}
}

// withoutValues is a path without the values of its query, which may be secrets: it is kept,
// and shown.
func withoutValues(path string) string {
	path, query, found := strings.Cut(path, "?")
	if !found {
		return path
	}
	var names []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, has := strings.Cut(pair, "=")
		if !has {
			name = ""
		}
		names = append(names, name+"=…")
	}
	return path + "?" + strings.Join(names, "&")
}
