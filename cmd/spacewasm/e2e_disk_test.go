package main_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of its own, which only root may do.
func smallDisk(t *testing.T, dir string, size int) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	must(t, os.MkdirAll(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+strconv.Itoa(size)); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("cannot mount a small file system: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
}

// fill writes until the file system of dir has less than left bytes free, and returns a way to take that back.
func fill(t *testing.T, dir string, left int64) (free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filling"))
	must(t, err)
	var st syscall.Statfs_t
	for {
		must(t, syscall.Statfs(dir, &st))
		spare := int64(st.Bavail)*st.Bsize - left
		if spare <= 0 {
			break
		}
		if _, err := f.Write(make([]byte, min(spare, 64<<10))); err != nil {
			break // full
		}
	}
	must(t, f.Close())
	return func() { must(t, os.Remove(f.Name())) }
}

// pushFails pushes a small module, which is to be turned away with 507 and to leave nothing.
func (s *server) pushFails(says string) {
	s.t.Helper()
	before := glob(s.t, s.data, "blobs/*")
	a := s.put("other", "application/zip", bytes.NewReader(zipped(s.t, map[string]string{
		"main.wasm": string(guest("hello")), "noise": strings.Repeat("0123456789abcdef", 4096),
	})))
	contains(s.t, a.problem(s.t, http.StatusInsufficientStorage, "insufficient_storage").Detail, says)
	s.until("the staging folder to be gone", func() bool {
		return fmt.Sprint(glob(s.t, s.data, "blobs/*")) == fmt.Sprint(before) && len(glob(s.t, s.data, "blobs/.stage-*")) == 0
	})
	if a := s.get("other", "/"); a.status != http.StatusNotFound {
		s.t.Errorf("the app of a failed push answers %d", a.status)
	}
}

// answers holds that the apps that run go on.
func (s *server) answers(apps map[string]string) {
	s.t.Helper()
	for app, want := range apps {
		if got := s.ok(app, "/"); got != want {
			s.t.Errorf("%s answers %q", app, got)
		}
	}
}

// A full disk is a clear error of who wanted to write, and nobody else's; there is no reserve here.
func TestE2EDiskFull(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	smallDisk(t, data, 16<<20)
	s := serveData(t, data, "--disk-reserve", "0")
	s.pushed("app", "application/wasm", guest("hello"))
	s.pushed("talks", "application/wasm", guest("stderr"))
	apps := map[string]string{"app": s.ok("app", "/"), "talks": s.ok("talks", "/")}
	for _, left := range []int64{0, 8 << 10, 32 << 10, 128 << 10} {
		free := fill(t, data, left)
		for range 40 {
			s.answers(apps) // with a log that cannot be written, once its last page is full
		}
		if left < 128<<10 {
			s.pushFails("disk is full")
		}
		free()
	}
	contains(t, s.stderr.String(), "cannot keep a Micro's log", "no space left on device")
	s.pushed("other", "application/wasm", guest("state"))
	apps["other"] = "1\n"
	s.answers(apps)
	s.kill() // what the full disk has left in the database is whole
	s = serveData(t, data)
	s.answers(apps)
}

// T24: below the disk's reserve there are no pushes, logs or readiness, but apps answer and removals work.
func TestE2EDiskReserve(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	smallDisk(t, data, 32<<20)
	s := serveData(t, data, "--disk-reserve", "8MiB")
	s.pushed("app", "application/wasm", guest("hello"))
	s.pushed("talks", "application/wasm", guest("stderr"))
	apps := map[string]string{"app": s.ok("app", "/"), "talks": s.ok("talks", "/")}
	s.get("", "/readyz").is(t, http.StatusOK, "")
	said := len(s.logs("talks"))
	free := fill(t, data, 7<<20)
	s.until("the server to notice", func() bool { return s.get("", "/readyz").status == http.StatusServiceUnavailable })
	began := time.Now()
	req := s.request(http.MethodPut, "", "/api/v1/apps/other", unsent{t}, "Authorization", "Bearer "+s.token,
		"Content-Type", "application/wasm", "Expect", "100-continue")
	contains(t, s.do(req).problem(t, http.StatusInsufficientStorage, "insufficient_storage").Detail, "--disk-reserve")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	s.answers(apps)
	if now := len(s.logs("talks")); now != said {
		t.Errorf("the log had %d lines and has %d", said, now)
	}
	if n := strings.Count(s.stderr.String(), "words are dropped"); n != 1 {
		t.Errorf("the dropped logs were told of %d times", n)
	}
	s.console(0, "rm", "app", "--yes")
	s.get("app", "/").problem(t, http.StatusNotFound, "not_found")
	free()
	s.until("the server to be ready again", func() bool { return s.get("", "/readyz").status == http.StatusOK })
	s.pushed("app", "application/wasm", guest("state"))
	if got := s.ok("app", "/"); got != "1\n" {
		t.Errorf("the app answers %q", got)
	}
}

// unsent is a body that the server may not ask for.
type unsent struct{ t *testing.T }

func (u unsent) Read([]byte) (int, error) {
	u.t.Error("the body was sent")
	return 0, http.ErrBodyReadAfterClose
}

// A disk that becomes read-only is a clear error, and the apps that run go on; so is one that is when the server starts.
func TestE2EDiskReadOnly(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	for _, part := range []string{"blobs", "logs", "tmp"} {
		smallDisk(t, filepath.Join(data, part), 8<<20)
	}
	s := serveData(t, data, "--disk-reserve", "0")
	s.pushed("app", "application/wasm", guest("hello"))
	s.pushed("files", "application/wasm", guest("tmpwrite"))
	apps := map[string]string{"app": "hello\n"}
	for _, part := range []string{"blobs", "logs", "tmp"} {
		must(t, syscall.Mount("", filepath.Join(data, part), "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	}
	s.answers(apps)
	s.pushFails("read-only")
	if a := s.get("files", "/"); a.status >= http.StatusInternalServerError && a.header.Get("X-Space-Error") == "internal" {
		t.Errorf("a guest that writes gets %d %s", a.status, a.body)
	}
	s.answers(apps)
	s.stop()
	s = serveData(t, data, "--disk-reserve", "0") // it starts all the same
	s.answers(apps)
	s.stop()

	whole := filepath.Join(t.TempDir(), "whole")
	smallDisk(t, whole, 8<<20)
	serveData(t, whole, "--disk-reserve", "0").stop()
	must(t, syscall.Mount("", whole, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	_, errs := console(t, 1, "", "serve", "--listen", "127.0.0.1:0", "--data", whole)
	contains(t, errs, "read-only")
	contains(t, errs, "data directory cannot be written to")
}
