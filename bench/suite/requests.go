package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// connections are with how many each peer is asked.
func connections() []int { return []int{1, claimed, 64} }

// claimed is with how many the project makes its claims.
const claimed = 16

// answered is what came of asking a peer.
type answered struct {
	perSecond float64
	p50, p99  time.Duration
	failed    int
}

// running is a peer that runs.
type running struct {
	peer
	cmd           *exec.Cmd
	address, host string
}

// requests measures how many requests a second each peer answers, and how fast.
func (s settings) requests(ctx context.Context, dir string, r *report) (err error) {
	var all []running
	defer func() {
		for _, p := range all {
			err = errors.Join(err, stop(p.cmd))
		}
	}()
	for i, p := range peers() {
		if p.name != nameNative && !strings.Contains(p.name, s.only) {
			continue
		}
		started, err := s.begin(ctx, p, filepath.Join(dir, strconv.Itoa(i)))
		if errors.Is(err, errMissing) {
			say("%s is left out: %v", p.name, err)
			continue
		}
		if started.cmd != nil {
			all = append(all, started)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		r.describe(p)
	}
	for round := range s.rounds {
		for _, n := range connections() {
			for _, p := range all {
				if p.only > 0 && p.only != n {
					continue
				}
				a, err := s.ask(ctx, p, n)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				say("round %d, %2d connections: %-34s %8.0f requests a second, p50 %v, p99 %v", round+1, n, p.name, a.perSecond, a.p50, a.p99)
				r.add(p.name, n, a)
			}
		}
	}
	return nil
}

// begin starts a peer and sees that it answers.
func (s settings) begin(ctx context.Context, p peer, dir string) (running, error) {
	started := running{peer: p}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return started, err
	}
	var err error
	if started.address, err = freeAddress(ctx); err != nil {
		return started, err
	}
	say("starting %s", p.name)
	started.cmd, started.host, err = p.start(ctx, s, dir, started.address)
	if err != nil {
		return started, err
	}
	if started.cmd.Process == nil {
		if err := start(ctx, started.cmd, started.address); err != nil {
			return started, err
		}
	}
	return started, check(ctx, started.address, started.host)
}

// ask has wrk ask a peer for a while.
func (s settings) ask(ctx context.Context, p running, connections int) (answered, error) {
	args := []string{"-t1", "-c" + strconv.Itoa(connections), "-d" + strconv.FormatFloat(s.slice.Seconds(), 'f', -1, 64) + "s", "--latency"}
	if s.slice < time.Second {
		args[2] = "-d1s" // its least
	}
	if p.host != "" {
		args = append(args, "-H", "Host: "+p.host)
	}
	out, err := exec.CommandContext(ctx, "wrk", append(args, "http://"+p.address+"/")...).CombinedOutput()
	if err != nil {
		return answered{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads what wrk prints.
func parseWrk(text string) (answered, error) {
	var a answered
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	var errs [3]error
	a.perSecond, errs[0] = strconv.ParseFloat(find(`Requests/sec:\s+([0-9.]+)`), 64)
	a.p50, errs[1] = time.ParseDuration(find(`50%\s+([0-9.]+[a-z]+)`))
	a.p99, errs[2] = time.ParseDuration(find(`99%\s+([0-9.]+[a-z]+)`))
	if failed := find(`Non-2xx or 3xx responses: (\d+)`); failed != "" {
		a.failed, _ = strconv.Atoi(failed) // digits
	}
	return a, errors.Join(errs[:]...)
}

// say tells how far it is.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
