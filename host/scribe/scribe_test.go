package scribe_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/spacewasm/spacewasm/host/scribe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sink is a log that counts how often it is written to.
type sink struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	held   chan struct{} // blocks a write until it is closed, if there is one
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	return s.text.Write(p)
}

func (s *sink) read() (text string, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.writes
}

func text(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})
}

// running has a handler run in a bubble, and returns what ends it.
func running(t *testing.T, to *sink) (logger *slog.Logger, stop func()) {
	t.Helper()
	h := scribe.New(to, text)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	synctest.Wait()
	return slog.New(h), sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Lines go out together and in their order, a warning takes along what waits, and the end
// leaves nothing behind.
func TestLinesGoTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to sink
		logger, stop := running(t, &to)
		defer stop()
		for i := range 100 {
			logger.Info("line", "n", i)
		}
		if got, writes := to.read(); writes != 0 {
			t.Errorf("who logs waits for the log: %q", got)
		}
		logger.With("a", 1).WithGroup("g").Warn("trouble", "b", 2)
		got, writes := to.read()
		lines := strings.Split(got, "\n")
		if writes != 1 || len(lines) != 102 || lines[0] != `msg=line n=0` || lines[99] != `msg=line n=99` || lines[100] != `msg=trouble a=1 g.b=2` {
			t.Errorf("%d writes of %q", writes, got)
		}
		logger.Info("last")
		stop()
		if got, _ := to.read(); !strings.HasSuffix(got, "msg=last\n") {
			t.Errorf("the last line is lost: %q", got)
		}
		logger.Info("after")
		if got, _ := to.read(); !strings.HasSuffix(got, "msg=after\n") {
			t.Errorf("a line after the end is lost: %q", got)
		}
	})
}

// T24: a log that takes nothing holds nobody up, and the memory for it has a bound.
func TestLinesAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := sink{held: make(chan struct{})}
		logger, stop := running(t, &to)
		defer stop()
		logger.Info("first")
		const most, more = 8192, 100
		for i := range most + more {
			if i == 0 { // the first is being written
				settle()
			}
			logger.Info("line", "n", i)
		}
		close(to.held)
		settle()
		got, _ := to.read()
		if !strings.Contains(got, fmt.Sprintf("n=%d\n", most-1)) || strings.Contains(got, fmt.Sprintf("n=%d\n", most)) ||
			!strings.HasSuffix(got, fmt.Sprintf("they came faster than they could be written\" lines=%d\n", more)) {
			t.Errorf("the log ends with %q", got[max(0, len(got)-300):])
		}
	})
}

// settle lets a moment go by.
func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}
