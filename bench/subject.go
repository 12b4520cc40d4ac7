package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/host/pool"
	"github.com/spacewasm/spacewasm/host/runner"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/stock"
)

// Subject is a module to be measured: as a Micro on our engine, and with stock wazero
// if that is wanted. It is used by one goroutine at a time, but for its servers.
type Subject struct {
	name   string // for who reads of it
	code   []byte
	dir    string // for the caches
	bundle string
	engine *wasi.Engine
	digest string
	report *wasi.Report
	config runner.Config
	micro  *runner.Micro
	stock  *stock.Module // nil without a baseline
	// compiled is how long it took to prepare.
	compiled time.Duration
}

// SubjectConfig says what is to be measured, and how.
type SubjectConfig struct {
	// Name is what it is called where it is written of.
	Name string
	// Bundle is the folder of its read-only files, and Run the module's file below it,
	// with what else the guest is given as arguments.
	Bundle string
	Run    []string
	// Env are KEY=value lines.
	Env    []string
	Limits space.Limits
	// Isolation is that of the Micro.
	Isolation space.Isolation
	// Memory and Tmp are what its instances, and their files in /tmp, may have together,
	// and Disk what one compilation may write, in bytes; 0 has no bound.
	Memory, Tmp, Disk int64
	// Baseline has stock wazero measured too.
	Baseline bool
	// Dir is where a folder is made for what is compiled, which goes with the subject; ""
	// is the system's for such folders.
	Dir string
}

// FileConfig is the configuration of a module in a file, whose bundle is the folder that
// it is in.
func FileConfig(file string) SubjectConfig {
	return SubjectConfig{Name: file, Bundle: filepath.Dir(file), Run: []string{filepath.Base(file)}, Limits: space.DefaultLimits()}
}

// NewSubject prepares a module. It is to be closed. The module's own faults are a
// [*wasi.RefusedError].
func NewSubject(ctx context.Context, config SubjectConfig) (*Subject, error) {
	code, err := os.ReadFile(filepath.Join(config.Bundle, filepath.FromSlash(config.Run[0])))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(config.Dir, "spacewasm-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for what is compiled: %w", err)
	}
	s := &Subject{name: config.Name, code: code, dir: dir, bundle: config.Bundle}
	if err := s.open(ctx, config); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *Subject) open(ctx context.Context, config SubjectConfig) error {
	const workers = 2 // as a server has
	var err error
	s.engine, err = wasi.New(ctx, wasi.Config{
		CacheDir: filepath.Join(s.dir, "cache"), CacheKey: []byte(rand.Text()), Workers: workers, Isolated: true,
		Room: func(n int64) bool { return config.Disk == 0 || n <= config.Disk },
	})
	if err != nil {
		return err
	}
	tmp := filepath.Join(s.dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return fmt.Errorf("make a folder for /tmp: %w", err)
	}
	s.config = runner.Config{
		Micro: space.Micro{Name: "bench", Run: config.Run}, Wake: s.wake, Env: config.Env, TmpDir: tmp, Limits: config.Limits, Log: silence{},
		Isolation: config.Isolation,
	}
	if config.Memory > 0 {
		s.config.Node.Memory = pool.NewBudget(config.Memory)
	}
	if config.Tmp > 0 {
		s.config.Node.Tmp = pool.NewBudget(config.Tmp)
	}
	began := time.Now()
	awake, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	s.compiled = time.Since(began)
	s.digest, s.report = awake.Module.Digest(), awake.Module.Report()
	if err := awake.Close(ctx); err != nil {
		return err
	}
	s.micro = runner.New(s.config)
	if config.Baseline {
		s.stock, err = stock.Compile(ctx, s.code, s.report, s.stockConfig())
	}
	return err
}

func (s *Subject) stockConfig() stock.Config {
	return stock.Config{
		CacheDir: filepath.Join(s.dir, "stock"), Dir: s.bundle, Args: s.config.Micro.Run, Timeout: s.config.Limits.Timeout,
	}
}

// Close frees what the subject has, its folder with it.
func (s *Subject) Close(ctx context.Context) error {
	var errs []error
	if s.micro != nil {
		errs = append(errs, s.micro.Close(ctx))
	}
	if s.stock != nil {
		errs = append(errs, s.stock.Close(ctx))
	}
	if s.engine != nil {
		errs = append(errs, s.engine.Close(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// prepare compiles and initialises the module, as a push does.
func (s *Subject) prepare(ctx context.Context) (*runner.Awake, error) {
	return s.get(ctx, func() (*wasi.Module, error) { return s.engine.Compile(ctx, s.code) }, (*wasi.Module).Initialise)
}

// wake loads what prepare has left on the disk, as the first request does to a Micro
// that is asleep.
func (s *Subject) wake(ctx context.Context) (*runner.Awake, error) {
	load := func() (*wasi.Module, error) { return s.engine.Wake(ctx, s.digest, s.read) }
	return s.get(ctx, load, (*wasi.Module).LoadSnapshot)
}

func (s *Subject) read() ([]byte, error) { return s.code, nil }

func (s *Subject) get(
	ctx context.Context, module func() (*wasi.Module, error),
	snapshot func(*wasi.Module, context.Context, wasi.Initialisation) (*wasi.Snapshot, error),
) (*runner.Awake, error) {
	bundle, err := os.OpenRoot(s.bundle)
	if err != nil {
		return nil, fmt.Errorf("open the module's folder: %w", err)
	}
	awake := &runner.Awake{Bundle: bundle}
	if awake.Module, err = module(); err != nil {
		return nil, errors.Join(err, bundle.Close())
	}
	awake.Snapshot, err = snapshot(awake.Module, ctx, wasi.Initialisation{
		Owner: "bench", Code: s.read, Timeout: s.config.Limits.Timeout, Instance: s.config.Instance(awake),
	})
	if err != nil {
		return nil, errors.Join(err, awake.Close(ctx))
	}
	return awake, nil
}

// ServeHTTP has the Micro answer, as behind the gateway of a server.
func (s *Subject) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.micro.Serve(w, r); err != nil {
		e := space.AsError(err)
		http.Error(w, fmt.Sprintf("%s: %s\n%s", e.Code, e.Message, e.Detail), e.Code.Status())
	}
}

// silence is a log that nobody reads.
type silence struct{}

func (silence) Open(space.RequestID) runner.RequestLog { return silence{} }
func (silence) Write(p []byte) (int, error)            { return len(p), nil }
func (silence) Close() error                           { return nil }
func (silence) Fault(*space.Error)                     {}
func (silence) Tail() []string                         { return nil }

var _ io.Writer = silence{}
