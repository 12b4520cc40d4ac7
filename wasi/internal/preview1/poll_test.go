package preview1_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// The kinds of subscriptions.
const (
	onClock, onRead, onWrite = 0, 1, 2
)

type sub struct {
	kind     byte
	fd       uint32 // or the clock
	timeout  uint64
	absolute bool
}

// polled is an event: which subscription, and its errno.
type polled struct {
	index uint64
	errno uint16
	kind  byte
	bytes uint64
}

// poll waits for one of several subscriptions.
func (g *guest) poll(subs ...sub) ([]polled, error) {
	g.t.Helper()
	var list []byte
	for i, s := range subs {
		b := make([]byte, 48)
		binary.LittleEndian.PutUint64(b, uint64(i))
		b[8] = s.kind
		binary.LittleEndian.PutUint32(b[16:], s.fd)
		binary.LittleEndian.PutUint64(b[24:], s.timeout)
		if s.absolute {
			b[40] = 1
		}
		list = append(list, b...)
	}
	in, out, n := g.put(list), g.room(32*len(subs)), g.room(4)
	errno, err := g.try("poll_oneoff", in, out, uint64(len(subs)), n)
	if err != nil {
		return nil, err
	}
	if errno != success {
		g.t.Fatalf("poll %+v: errno %d", subs, errno)
	}
	var events []polled
	for i := range uint64(g.u32(n)) {
		b := g.get(out+32*i, 32)
		events = append(events, polled{
			binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint16(b[8:]), b[10], binary.LittleEndian.Uint64(b[16:]),
		})
	}
	return events, nil
}

func TestPollClock(t *testing.T) {
	g := newGuest(t, options{})
	const short = 20 * time.Millisecond
	now := g.room(8)
	g.want(success, "clock_time_get", 1, 0, now)
	wall := uint64(time.Now().UnixNano())
	for name, s := range map[string]sub{
		"relative":           {kind: onClock, fd: 1, timeout: uint64(short)},
		"relative, realtime": {kind: onClock, fd: 0, timeout: uint64(short)},
		"absolute":           {kind: onClock, fd: 0, timeout: wall + uint64(time.Second/5), absolute: true},
	} {
		began := time.Now()
		events, err := g.poll(sub{kind: onClock, fd: 1, timeout: uint64(time.Hour)}, s)
		if err != nil || len(events) != 1 || events[0] != (polled{index: 1, kind: onClock}) {
			t.Errorf("%s: %+v, %v", name, events, err)
		}
		if took := time.Since(began); !s.absolute && took < short {
			t.Errorf("%s: slept for %v only", name, took)
		}
	}
	if uint64(time.Now().UnixNano()) < wall+uint64(time.Second/5) {
		t.Error("an absolute time had not come")
	}
	events, err := g.poll(sub{kind: onClock, fd: 0, timeout: 1, absolute: true}, sub{kind: onClock, fd: 9, timeout: 1})
	if err != nil || len(events) != 2 {
		t.Errorf("a time that has passed, and a clock that there is not: %+v, %v", events, err)
	}
}

func TestPollDescriptors(t *testing.T) {
	g := newGuest(t, options{stdio: preview1.Stdio{In: strings.NewReader("body"), Out: &strings.Builder{}}})
	f := g.open(tmp, "f", create)
	g.write(f, "0123456789")
	g.want(success, "fd_seek", f, 4, 0, g.room(8))
	events, err := g.poll(
		sub{kind: onRead, fd: 0}, sub{kind: onWrite, fd: 1}, sub{kind: onRead, fd: uint32(f)}, sub{kind: onWrite, fd: uint32(f)},
		sub{kind: onRead, fd: 99}, sub{kind: onRead, fd: root}, sub{kind: onWrite, fd: 0},
		sub{kind: onClock, fd: 1, timeout: uint64(time.Hour)},
	)
	want := []polled{
		{0, 0, onRead, 4},
		{1, 0, onWrite, 0},
		{2, 0, onRead, 6},
		{3, 0, onWrite, 0},
		{4, badf, onRead, 0},
		{5, badf, onRead, 0},
		{6, badf, onWrite, 0},
	}
	if err != nil || len(events) != len(want) {
		t.Fatalf("%+v, %v", events, err)
	}
	for i := range want {
		if events[i] != want[i] {
			t.Errorf("%+v, want %+v", events[i], want[i])
		}
	}
	g.want(inval, "poll_oneoff", 0, 0, 0, 0)
	bad := make([]byte, 48)
	bad[8] = 3
	g.want(inval, "poll_oneoff", g.put(bad), g.room(32), 1, g.room(4))
	g.want(fault, "poll_oneoff", uint64(g.module.Memory().Size())-47, 0, 1, 0)
}

// Standard input that has a descriptor of the host is waited for.
func TestPollHost(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	g := newGuest(t, options{stdio: preview1.Stdio{In: r, Out: w}})
	events, err := g.poll(sub{kind: onRead, fd: 0}, sub{kind: onClock, fd: 1, timeout: uint64(10 * time.Millisecond)})
	if err != nil || len(events) != 1 || events[0].index != 1 {
		t.Fatalf("nothing to read: %+v, %v", events, err)
	}
	if events, err = g.poll(sub{kind: onWrite, fd: 1}); err != nil || len(events) != 1 || events[0].errno != 0 {
		t.Fatalf("room to write: %+v, %v", events, err)
	}
	g.want(success, "fd_fdstat_set_flags", 0, nonblock)
	if errno, _ := g.read(0, 4); errno != again {
		t.Errorf("errno %d", errno)
	}
	time.AfterFunc(20*time.Millisecond, func() { _, _ = w.WriteString("word") })
	if events, err = g.poll(sub{kind: onRead, fd: 0}); err != nil || len(events) != 1 || events[0].errno != 0 {
		t.Fatalf("after a while: %+v, %v", events, err)
	}
	if _, text := g.read(0, 100); text != "word" {
		t.Errorf("read %q", text)
	}
	// Both stay as they were: others use them too.
	if _, err := w.WriteString("more"); err != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 10)); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// Every wait ends with the context, and in time.
func TestWaitsEndWithTheContext(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, wait := range map[string]func(g *guest) error{
		"sleep":          func(g *guest) error { _, err := g.poll(sub{kind: onClock, fd: 1, timeout: 1<<64 - 1}); return err },
		"poll for input": func(g *guest) error { _, err := g.poll(sub{kind: onRead, fd: 0}); return err },
		"read": func(g *guest) error {
			list, n := g.vectors("....")
			_, err := g.try("fd_read", 0, list, n, g.room(4))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuest(t, options{stdio: preview1.Stdio{In: r}})
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			g.ctx = preview1.WithProcess(ctx, g.process)
			began := time.Now()
			if err := wait(g); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
