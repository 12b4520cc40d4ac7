//go:build unix

package child_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/wasi/internal/child"
)

// walled tells whether the kernel and the build keep a child from files.
func walled() bool {
	return runtime.GOOS == "linux" && built("CGO_ENABLED") == "0"
}

// bounded tells whether the system and the build bound the address space.
func bounded() bool { return runtime.GOOS == "linux" && built("-race") != "true" }

// built returns how the test was built.
func built(key string) string {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// parentOf makes the test's program a parent that is to be killed; its value is
// the folder in which the child works.
const parentOf = "SPACEWASM_TEST_PARENT_IN"

func TestMain(m *testing.M) {
	if status, isChild := child.Main(os.Args, tasks()); isChild {
		os.Exit(status)
	}
	if dir := os.Getenv(parentOf); dir != "" {
		_ = run(context.Background(), job("wait", dir, os.Stdout))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// tasks are what the children of the tests do.
func tasks() map[string]child.Task {
	return map[string]child.Task{
		"upper": func(options string, in io.Reader, out io.Writer, _ []*os.File) error {
			text, err := io.ReadAll(in)
			fmt.Fprint(out, strings.ToUpper(string(text)), options)
			return err
		},
		"spin": func(string, io.Reader, io.Writer, []*os.File) error {
			for {
				runtime.Gosched()
			}
		},
		"wait": func(_ string, _ io.Reader, out io.Writer, _ []*os.File) error {
			fmt.Fprintln(out, "ready")
			time.Sleep(time.Hour)
			return nil
		},
		"hoard": func(string, io.Reader, io.Writer, []*os.File) error {
			var all [][]byte
			for {
				p := make([]byte, 1<<20)
				for i := range p {
					p[i] = 1
				}
				all = append(all, p)
				_ = all
			}
		},
		// One allocation beyond all bounds, which Go dies of.
		"reserve": func(string, io.Reader, io.Writer, []*os.File) error {
			fmt.Fprint(os.Stderr, len(make([]byte, 64<<30)))
			return nil
		},
		"flood": func(_ string, _ io.Reader, out io.Writer, _ []*os.File) error {
			for {
				if _, err := out.Write(make([]byte, 1<<16)); err != nil {
					return fmt.Errorf("flood: %w", err)
				}
			}
		},
		"panic":   func(string, io.Reader, io.Writer, []*os.File) error { panic("a bug of ours") },
		"fail":    func(string, io.Reader, io.Writer, []*os.File) error { return errors.New("no luck") },
		"chatter": func(string, io.Reader, io.Writer, []*os.File) error { return errors.New(strings.Repeat("x", 4<<20)) },
		"suicide": func(string, io.Reader, io.Writer, []*os.File) error {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		},
		"litter": func(string, io.Reader, io.Writer, []*os.File) error {
			return errors.Join(os.MkdirAll("a/b", 0o700), os.WriteFile("a/b/c", []byte("x"), 0o600))
		},
		"look": look,
	}
}

// view is what a child finds around itself.
type view struct {
	Files   []string
	Env     []string
	Dir     []string
	Outside string // the error of reading a file that it was told of
	Network string // the error of connecting
	Inside  string // the error of writing a file of its own
	Folder  string // what it reads, and the error of writing, in a folder that it may read
}

func look(secret string, _ io.Reader, out io.Writer, folders []*os.File) error {
	var v view
	_, err := os.ReadFile(secret)
	v.Outside = fmt.Sprint(err)
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", "127.0.0.1:1")
	if err == nil {
		_ = conn.Close()
	}
	v.Network = fmt.Sprint(err)
	v.Inside = fmt.Sprint(os.WriteFile("mine", nil, 0o600))
	for _, folder := range folders {
		name := fmt.Sprintf("/proc/self/fd/%d/lent", folder.Fd())
		text, err := os.ReadFile(name)
		v.Folder += fmt.Sprintf("%s, %v; %v", text, err, os.WriteFile(name, nil, 0o600))
	}
	v.Env = os.Environ()
	entries, err := os.ReadDir(".")
	for _, e := range entries {
		v.Dir = append(v.Dir, e.Name())
	}
	for fd := 3 + len(folders); fd < 64; fd++ {
		// Go's runtime has some of its own, such as the limits of the cgroup.
		name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if err == nil && !strings.HasPrefix(name, "/sys/fs/cgroup/") && !strings.HasPrefix(name, "anon_inode:") {
			v.Files = append(v.Files, name)
		}
	}
	text, marshalErr := json.Marshal(v)
	_, writeErr := out.Write(text)
	return errors.Join(err, marshalErr, writeErr)
}

func job(task, dir string, artefact *os.File) child.Job {
	return child.Job{Task: task, Dir: dir, Artefact: artefact, Bounds: child.Bounds{
		Wall: 20 * time.Second, Processor: 20 * time.Second, Resident: 256 << 20, File: 1 << 20, Workers: 2,
	}}
}

// run runs one child.
func run(ctx context.Context, j child.Job) error {
	turn, err := child.NewNursery(1).Turn(ctx)
	if err != nil {
		return err
	}
	defer turn.End()
	return turn.Run(ctx, j)
}

func create(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "artefact"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// A child reads its input, writes its artefact, and leaves nothing else.
func TestRun(t *testing.T) {
	artefact, dir := create(t), t.TempDir()
	j := job("upper", dir, artefact)
	input := strings.Repeat("hello ", 1<<18)
	j.Input, j.Options = strings.NewReader(input), "!"
	j.Bounds.File = 4 << 20
	if err := run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(artefact.Name())
	if want := strings.ToUpper(input) + "!"; err != nil || string(got) != want {
		t.Errorf("got %d bytes %.20q, %v", len(got), got, err)
	}
	if err := run(t.Context(), job("litter", dir, artefact)); err != nil {
		t.Error(err)
	}
	empty(t, dir)
}

// Each way in which a child does not end well has its reason, and is over on time.
func TestReasons(t *testing.T) {
	for name, c := range map[string]struct {
		task   string
		change func(*child.Bounds)
		want   child.Reason
		said   string
	}{
		"wall":        {"wait", func(b *child.Bounds) { b.Wall = 200 * time.Millisecond }, child.TooLong, ""},
		"spin":        {"spin", func(b *child.Bounds) { b.Wall = 200 * time.Millisecond }, child.TooLong, ""},
		"processor":   {"spin", func(b *child.Bounds) { b.Processor = time.Second }, child.TooMuchProcessor, ""},
		"memory":      {"hoard", func(b *child.Bounds) { b.Resident = 64 << 20 }, child.TooMuchMemory, ""},
		"reservation": {"reserve", func(*child.Bounds) {}, child.TooMuchMemory, "out of memory"},
		"file":        {"flood", func(*child.Bounds) {}, child.TooLarge, "too large"},
		"panic":       {"panic", func(*child.Bounds) {}, child.Crashed, "a bug of ours"},
		"error":       {"fail", func(*child.Bounds) {}, child.Failed, "no luck"},
		"signal":      {"suicide", func(*child.Bounds) {}, child.Killed, ""},
		"no task":     {"sing", func(*child.Bounds) {}, child.Failed, "no task"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "reservation" && !bounded() {
				t.Skip("the race detector, or this system, does not bound the address space")
			}
			dir := t.TempDir()
			j := job(c.task, dir, create(t))
			c.change(&j.Bounds)
			err := run(t.Context(), j)
			ended, ok := errors.AsType[*child.EndedError](err)
			if !ok || ended.Reason != c.want || !strings.Contains(ended.Said, c.said) {
				t.Errorf("got %v", err)
			}
			empty(t, dir)
		})
	}
}

// What a child says is kept for the log, and not all of it.
func TestErrorOutputIsBounded(t *testing.T) {
	err := run(t.Context(), job("chatter", t.TempDir(), create(t)))
	ended, ok := errors.AsType[*child.EndedError](err)
	if !ok || !strings.HasPrefix(ended.Said, "xxx") || len(ended.Said) > 8<<10 {
		t.Errorf("got %d bytes of %T", len(err.Error()), err)
	}
}

// T4: a child sees no file of its parent's, no environment and, where the kernel
// and the build have Landlock, no other file and no network.
func TestChildSeesNothing(t *testing.T) {
	t.Setenv("SPACEWASM_TOKEN", "secret")
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A descriptor as one that the server was started with: not close-on-exec.
	fd, err := syscall.Open(secret, syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	artefact := create(t)
	lent := t.TempDir()
	if err := os.WriteFile(filepath.Join(lent, "lent"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder, err := os.Open(lent)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	j := job("look", t.TempDir(), artefact)
	j.Options, j.Folders = secret, []*os.File{folder}
	if err := run(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(artefact.Name())
	if err != nil {
		t.Fatal(err)
	}
	var v view
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Files) > 0 {
		t.Errorf("the child has the files %v", v.Files)
	}
	for _, line := range v.Env {
		if !strings.HasPrefix(line, "GOMAXPROCS=") && !strings.HasPrefix(line, "GOMEMLIMIT=") && !strings.HasPrefix(line, "PWD=") {
			t.Errorf("the child has %s in its environment", line)
		}
	}
	if v.Inside != "<nil>" || strings.Join(v.Dir, " ") != "mine" {
		t.Errorf("its folder holds %v, and writing there gives %v", v.Dir, v.Inside)
	}
	if !strings.HasPrefix(v.Folder, "text, <nil>; ") {
		t.Errorf("the folder that it may read: %s", v.Folder)
	}
	if !walled() {
		return
	}
	if !strings.HasSuffix(v.Folder, "permission denied") {
		t.Errorf("the folder that it may only read: %s", v.Folder)
	}
	if !strings.Contains(v.Outside, "permission denied") || !strings.Contains(v.Network, "permission denied") {
		t.Errorf("a file outside: %s; the network: %s", v.Outside, v.Network)
	}
}

// Tests are built with cgo where there is a C compiler, and the program is not:
// so what the kernel keeps from a child is looked at in a build without.
func TestChildSeesNothingWithoutCgo(t *testing.T) {
	if built("CGO_ENABLED") == "0" {
		t.Skip("this is that build")
	}
	cmd := exec.Command("go", "test", "-count=1", "-run", "^TestChildSeesNothing$", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The child is bounded by the kernel too, and gives way to everything else.
func TestConfinement(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	id, end := waiting(t)
	defer end()
	proc := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", id, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	limits := proc("limits")
	for _, line := range []string{"Max cpu time 20 22", "Max file size 1048576 1048576", "Max open files 320 320", "Max core file size 0 0"} {
		if !strings.Contains(strings.Join(strings.Fields(limits), " "), line) {
			t.Errorf("%q is not among the limits:\n%s", line, limits)
		}
	}
	if got := strings.TrimSpace(proc("oom_score_adj")); got != "1000" {
		t.Errorf("oom_score_adj is %s", got)
	}
	stat := strings.Fields(proc("stat"))
	const group, session, nice = 4, 5, 18 // proc(5), counted from 0
	if own := fmt.Sprint(id); stat[group] != own || stat[session] != own || stat[nice] != "10" {
		t.Errorf("process %d is in group %s, session %s, with nice %s", id, stat[group], stat[session], stat[nice])
	}
	if !strings.Contains(proc("status"), "NoNewPrivs:\t1") {
		t.Error("the child may gain privileges")
	}
}

// waiting starts a child that waits; end ends it.
func waiting(t *testing.T) (id int, end func()) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, job("wait", t.TempDir(), write)) }()
	r := bufio.NewReader(read)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return only(t), func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the child ended with %v", err)
		}
		_ = write.Close()
		if _, err := r.ReadString('\n'); !errors.Is(err, io.EOF) {
			t.Errorf("the child's artefact is still open: %v", err)
		}
		_ = read.Close()
	}
}

// only returns the id of the only child of this process.
func only(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all string
	for _, file := range files {
		text, _ := os.ReadFile(file) // a thread may have ended
		all += string(text)
	}
	var id int
	if n, err := fmt.Sscan(all, &id); n != 1 {
		t.Fatalf("the children are %q: %v", all, err)
	}
	return id
}

// T27: children die with their parent, however that ends.
func TestChildrenDieWithTheirParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("Linux only")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(exe)
	parent.Env = append(os.Environ(), parentOf+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The pipe ends when the last who could write to it has.
	over := make(chan error, 1)
	go func() {
		_, err := r.ReadString('\n')
		over <- err
	}()
	select {
	case err := <-over:
		if !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the child has outlived its parent")
	}
	_ = parent.Wait()
}

// T27: a nursery has room for so many children, and who waits for a turn waits
// no longer than its context.
func TestTurns(t *testing.T) {
	nursery := child.NewNursery(2)
	first, err := nursery.Turn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nursery.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := nursery.Turn(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("the third got %v", err)
	}
	first.End()
	if _, err := nursery.Turn(t.Context()); err != nil {
		t.Error(err)
	}
}

// Only the arguments of a child make one.
func TestMainIsNoCommand(t *testing.T) {
	for _, args := range [][]string{{}, {"spacewasm"}, {"spacewasm", "serve"}, {"spacewasm", "-spacewasm-child"}} {
		if _, isChild := child.Main(args, tasks()); isChild {
			t.Errorf("%q make a child", args)
		}
	}
}
