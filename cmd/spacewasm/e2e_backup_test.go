package main_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// marked is a small module that answers with a mark of five digits.
func marked(mark int) []byte {
	return bytes.Replace(guest("hello"), []byte("hello"), fmt.Appendf(nil, "%05d", mark), 1)
}

// marks is what left and right answer, and whether the app that comes and goes is there.
func (s *server) marks() (left, right int, there bool) {
	s.t.Helper()
	number := func(app string) int {
		s.prepared(app)
		n, err := strconv.Atoi(strings.TrimSpace(s.ok(app, "/")))
		must(s.t, err)
		return n
	}
	left, right = number("left"), number("right")
	if s.get("comes", "/").status == http.StatusNotFound {
		return left, right, false
	}
	if comes := number("comes"); comes != left {
		s.t.Errorf("the app that comes answers %d, left %d", comes, left)
	}
	return left, right, true
}

// step pushes left, then right, then an app that it removes again: at any moment they differ by one step at most.
func (s *server) step(mark int) error {
	for _, app := range []string{"left", "right", "comes", "-comes"} {
		method, body, name := http.MethodPut, marked(mark), app
		if app == "-comes" {
			method, body, name = http.MethodDelete, nil, "comes"
		}
		req, err := http.NewRequestWithContext(context.Background(), method, "http://localhost:"+s.port+"/api/v1/apps/"+name, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.token)
		req.Header.Set("Content-Type", "application/wasm")
		if a, err := s.try(req); err != nil || a.status >= http.StatusMultipleChoices {
			return fmt.Errorf("%s at %d: %d, %w", app, mark, a.status, err)
		}
	}
	return nil
}

// churn takes steps until it is told to stop.
func (s *server) churn() (stop func()) {
	done, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for mark := 1; ; mark++ {
			select {
			case <-done:
				ended <- nil
				return
			default:
			}
			if err := s.step(mark); err != nil {
				ended <- err
				return
			}
		}
	}()
	return func() {
		s.t.Helper()
		close(done)
		must(s.t, <-ended)
	}
}

// T32: a backup that is made while apps are pushed and removed is of one moment, and what is restored of it serves that.
func TestE2EBackup(t *testing.T) {
	s := serve(t)
	must(t, s.step(0))
	s.pushed("still", "application/zip", zipped(t, map[string]string{
		"main.wasm": string(guest("stderr")), "asset": strings.Repeat("0123456789abcdef", 64<<10),
	}))
	said := s.ok("still", "/")
	stop := s.churn()
	dir := t.TempDir()
	const backups = 5
	for i := range backups {
		file := filepath.Join(dir, fmt.Sprintf("%d.tar.gz", i))
		_, errs := console(t, 0, "", "backup", file, "--data", s.data, "--logs")
		contains(t, errs, "backed up", "apps", "not in it", "--keys")
	}
	keys := filepath.Join(dir, "keys.tar.gz")
	console(t, 0, "", "backup", filepath.Join(dir, "piped.tar.gz"), "--data", s.data, "--keys", keys)
	stop()
	last := -1
	for i := range backups {
		to := filepath.Join(dir, fmt.Sprint("data", i))
		args := []string{"restore", filepath.Join(dir, fmt.Sprintf("%d.tar.gz", i)), "--data", to}
		withKeys := i == 0
		if withKeys {
			args = append(args, "--keys", keys)
		}
		_, errs := console(t, 0, "", args...)
		contains(t, errs, "restored", "as of")
		if strings.Contains(errs, "new key") == withKeys {
			t.Errorf("it says %q", errs)
		}
		r := serveData(t, to)
		left, right, there := r.marks()
		if right != left && right != left-1 || there && right != left || left < last {
			t.Errorf("backup %d: left %d, right %d, the third is there: %v; before it was %d", i, left, right, there, last)
		}
		last = left
		r.prepared("still")
		if got := r.ok("still", "/"); got != said {
			t.Errorf("the app that stays answers %q, want %q", got, said)
		}
		if withKeys != (r.token == s.token) {
			t.Errorf("backup %d: the token was %q and is %q", i, s.token, r.token)
		}
		if len(r.logs("still")) < 2 {
			t.Error("the logs are gone")
		}
		r.pushed("left", "application/wasm", marked(99_999)) // it goes on
		r.stop()
	}
	if last == 0 {
		t.Error("nothing was pushed meanwhile")
	}
}

// T32: a backup goes through pipes, and what it says and refuses is clear.
func TestE2EBackupCommand(t *testing.T) {
	s := serve(t)
	s.pushed("app", "application/wasm", guest("hello"))
	dir := t.TempDir()
	file, to := filepath.Join(dir, "b.tar.gz"), filepath.Join(dir, "to")
	archive, _ := console(t, 0, "", "backup", "-", "--data", s.data)
	_, errs := console(t, 0, archive, "restore", "-", "--data", to)
	contains(t, errs, "1 app,")
	r := serveData(t, to)
	r.prepared("app")
	if a := r.ok("app", "/"); a != "hello\n" {
		t.Errorf("restored through a pipe it answers %q", a)
	}
	_, errs = console(t, 1, archive, "restore", "-", "--data", to)
	contains(t, errs, "not empty")
	_, errs = console(t, 1, archive[:len(archive)/2], "restore", "-", "--data", filepath.Join(dir, "cut"))
	contains(t, errs, "damaged", "nothing was restored")
	if left := glob(t, dir, "*"); len(left) != 1 {
		t.Errorf("there is %v", left)
	}
	console(t, 0, "", "backup", file, "--data", s.data)
	_, errs = console(t, 1, "", "backup", file, "--data", s.data)
	contains(t, errs, "--force")
	console(t, 0, "", "backup", file, "--data", s.data, "--force")
	_, errs = console(t, 1, "", "backup", filepath.Join(dir, "none"), "--data", filepath.Join(dir, "typo"))
	contains(t, errs, "no apps in", "--data")
	console(t, 2, "", "backup", "-", "--keys", "-", "--data", s.data)
	console(t, 2, "", "backup", file, "--keys", dir+"/./b.tar.gz", "--data", s.data)
	must(t, os.Remove(filepath.Join(glob(t, s.data, "blobs/*")[0], "main.wasm")))
	_, errs = console(t, 1, "", "backup", filepath.Join(dir, "rotten"), "--data", s.data)
	contains(t, errs, "revision 1 of app is damaged", "spacewasm rm app", filepath.Join(s.data, "blobs"))
	if left := glob(t, dir, "*rotten*"); len(left) != 0 {
		t.Errorf("there is %v", left)
	}
}

// T32: root restores for the owner of the directory, whose server then starts there.
func TestE2ERestoreForOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files to another user needs root")
	}
	s := serve(t)
	s.pushed("app", "application/wasm", guest("hello"))
	archive, _ := console(t, 0, "", "backup", "-", "--data", s.data)
	const nobody = 65534
	to := filepath.Join(t.TempDir(), "to")
	must(t, os.Mkdir(to, 0o750))
	must(t, os.Chown(to, nobody, nobody))
	console(t, 0, archive, "restore", "-", "--data", to)
	out, err := exec.Command("find", to, "!", "-uid", strconv.Itoa(nobody)).CombinedOutput()
	if must(t, err); len(out) > 0 {
		t.Errorf("not the owner's:\n%s", out)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("the directory now has %v, %v", info.Mode(), err)
	}
}
