package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// busily asks an app for its page, in the background, until the function that it returns is
// called, which tells how often.
func (s *server) busily(app string) (end func() int) {
	over := make(chan struct{})
	var asking sync.WaitGroup
	asked := 0
	asking.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
			}
			s.ok(app, "/")
			asked++
		}
	})
	return func() int {
		close(over)
		asking.Wait()
		return asked
	}
}

// top is what `go tool pprof -top` says of a function of a profile: its own part of all
// there is of a value, in per cent.
func top(t *testing.T, file, value, function string) float64 {
	t.Helper()
	out, err := exec.Command("go", "tool", "pprof", "-symbolize=none", "-sample_index="+value, "-top", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	line := regexp.MustCompile(`(?m)^ *\S+ +([0-9.]+)% .* ` + regexp.QuoteMeta(function) + `$`).FindSubmatch(out)
	if line == nil {
		t.Fatalf("%s is not in\n%s", function, out)
	}
	percent, err := strconv.ParseFloat(string(line[1]), 64)
	must(t, err)
	return percent
}

// A profile names the function in which a program in Go spends its time, as pprof reads it,
// while requests are answered; the Micro has a snapshot, and its code is loaded by a stub.
func TestE2EProfile(t *testing.T) {
	module, err := goBuild("hot.wasm", "./testdata/hot", "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-buildmode=c-shared")
	must(t, err)
	s := serve(t)
	s.pushed("hot", "application/wasm", read(t, module))
	file := filepath.Join(t.TempDir(), "hot.pb.gz")
	before := s.ok("hot", "/")
	end := s.busily("hot")
	stdout, stderr := s.console(0, "profile", "hot", "--seconds", "2", "-o", file)
	if asked := end(); asked < 10 || stdout != file+"\n" || !strings.Contains(stderr, "Sampled ") {
		t.Errorf("%d requests, %q, %q", asked, stdout, stderr)
	}
	for _, value := range []string{"fuel", "time"} {
		if percent := top(t, file, value, "main.burn"); percent < 80 {
			t.Errorf("main.burn has %v %% of the %s", percent, value)
		}
	}
	if after := s.ok("hot", "/"); after != before {
		t.Errorf("%q became %q", before, after)
	}
}

// A flame graph has the functions of the host too. Where nothing ran, the answer says so; one
// profile is taken at a time, and a client that leaves ends its own.
func TestE2EProfileTree(t *testing.T) {
	s := serve(t)
	s.pushed("busy", "application/wasm", guest("busy"))
	tree := func(ctx context.Context, query string) (wire.Profile, answer) {
		req := s.request(http.MethodPost, "", "/api/v1/apps/busy/profile?"+query+"&format=json", nil, "Authorization", "Bearer "+s.token)
		a, err := s.try(req.WithContext(ctx))
		if err != nil {
			return wire.Profile{}, a
		}
		var p wire.Profile
		if a.status == http.StatusOK {
			must(t, json.Unmarshal([]byte(a.body), &p))
		}
		return p, a
	}
	idle, a := tree(t.Context(), "seconds=1")
	a.is(t, http.StatusOK, "")
	if idle.Requests != 0 || !strings.Contains(idle.Note, "nothing ran") || len(idle.Root.Children) > 0 {
		t.Errorf("%+v", idle)
	}
	if _, stderr := s.console(1, "profile", "busy", "--seconds", "1"); !strings.Contains(stderr, "nothing ran") {
		t.Errorf("%q does not help", stderr)
	}

	left, leave := context.WithCancel(t.Context())
	var leaving sync.WaitGroup
	leaving.Go(func() {
		for left.Err() == nil { // the other may have come first
			tree(left, "seconds=60")
			time.Sleep(5 * time.Millisecond)
		}
	})
	sooner(t, func() bool { _, a := tree(t.Context(), "seconds=1"); return a.status == http.StatusTooManyRequests })
	leave()
	leaving.Wait()
	sooner(t, func() bool { _, a := tree(t.Context(), "seconds=1"); return a.status == http.StatusOK })

	end := s.busily("busy")
	p, a := tree(t.Context(), "seconds=2&micro=busy")
	end()
	a.is(t, http.StatusOK, "")
	if p.Requests == 0 || p.Note != "" || p.Seconds < 1.9 || p.Root.Name != p.Micro {
		t.Fatalf("%+v", p)
	}
	at := p.Root
	for _, name := range []string{"$5", "$4", "$2"} {
		at = childOf(t, at, name)
	}
	childOf(t, childOf(t, p.Root, "$5"), "wasi_snapshot_preview1.random_get")

	for query, says := range map[string]string{
		"seconds=0": "1 to 60", "seconds=61": "1 to 60", "seconds=x": "1 to 60", "format=svg": "pprof or json",
	} {
		_, a := tree(t.Context(), query)
		if p := a.problem(t, http.StatusBadRequest, "bad_request"); !strings.Contains(p.Detail, says) {
			t.Errorf("%s: %q", query, p.Detail)
		}
	}
	_, a = tree(t.Context(), "seconds=1&micro=other")
	a.is(t, http.StatusNotFound, "not_found")
}

// A push in the midst of a profile ends it, with what there is.
func TestE2EProfileReplaced(t *testing.T) {
	s := serve(t)
	s.pushed("busy", "application/wasm", guest("busy"))
	began := time.Now()
	var pushing sync.WaitGroup
	pushing.Go(func() {
		time.Sleep(500 * time.Millisecond)
		s.pushed("busy", "application/wasm", guest("hello"))
	})
	req := s.request(http.MethodPost, "", "/api/v1/apps/busy/profile?format=json&seconds=60", nil, "Authorization", "Bearer "+s.token)
	a := s.do(req)
	pushing.Wait()
	if took := time.Since(began); took > 30*time.Second || !strings.Contains(a.body, `"replaced":true`) {
		t.Errorf("after %v: %s", took, a.body)
	}
}

// childOf is what a function calls by a name, which is there.
func childOf(t *testing.T, f wire.Frame, name string) wire.Frame {
	t.Helper()
	for _, c := range f.Children {
		if c.Name == name && c.Samples > 0 && c.TimeNS > 0 {
			return c
		}
	}
	t.Fatalf("%s calls no %s: %+v", f.Name, name, f.Children)
	return wire.Frame{}
}

// sooner waits until something holds.
func sooner(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to be")
		}
	}
}
