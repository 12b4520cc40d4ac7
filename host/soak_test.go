package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// running is a server in this process, so that the race detector sees it.
type running struct {
	t      testing.TB
	data   string
	port   string
	token  string
	client *http.Client
	stop   func()
}

// start returns a server that runs. It is to be stopped; once more does nothing.
func start(t testing.TB, config host.Config) *running {
	t.Helper()
	return run(t, config, host.Open)
}

func run(t testing.TB, config host.Config, open func(context.Context, host.Config) (*host.Host, error)) *running {
	t.Helper()
	h, err := open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- h.Run(ctx, func() { close(ready) }) }()
	<-ready
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(h.BaseURL(), "http://"))
	token, err := os.ReadFile(filepath.Join(config.Data, "token"))
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
	}
	r := &running{
		t: t, data: config.Data, port: port, token: strings.TrimSpace(string(token)),
		client: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 16}},
	}
	r.stop = sync.OnceFunc(func() {
		r.client.CloseIdleConnections()
		cancel()
		if err := errors.Join(<-ended, h.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// ask sends a request to an app, or to the platform where app is "".
func (r *running) ask(ctx context.Context, method, app, path string, body []byte) (status int, text string, err error) {
	name := strings.TrimPrefix(app+".localhost:"+r.port, ".")
	req, err := http.NewRequestWithContext(ctx, method, "http://"+name+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	if app == "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	return res.StatusCode, string(all), err
}

func (r *running) push(app, guest string) error {
	status, text, err := r.ask(context.Background(), http.MethodPut, "", "/api/v1/apps/"+app, wasitest.Guest(guest))
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("push %s: %d %s", guest, status, text)
	}
	return err
}

// deeds are what is done to a server under soak, by several at a time.
func (r *running) deeds() map[string]func() error {
	wants := func(method, app, body string, wanted ...string) error {
		status, text, err := r.ask(context.Background(), method, app, "/", []byte(body))
		busy := status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
		for _, want := range wanted {
			if text == want {
				return nil
			}
		}
		if err == nil && !busy {
			err = fmt.Errorf("%d %.200q, want %.200q", status, text, wanted)
		}
		return err
	}
	fails := func(app string) func() error {
		return func() error {
			status, text, err := r.ask(context.Background(), http.MethodGet, app, "/", nil)
			if err == nil && status < 429 {
				err = fmt.Errorf("%d %.200q", status, text)
			}
			return err
		}
	}
	return map[string]func() error{
		"echo": func() error {
			body := strings.Repeat(fmt.Sprint(rand.Uint64()), rand.IntN(10_000))
			return wants(http.MethodPost, "echo", body, body)
		},
		"state":   func() error { return wants(http.MethodGet, "state", "", "1\n") },
		"swapped": func() error { return wants(http.MethodGet, "swap", "", "1\n", "hello\n") },
		"trap":    fails("trap"),
		"grow":    fails("grow"),
		"leave": func() error {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(20))*time.Millisecond)
			defer cancel()
			if _, _, err := r.ask(ctx, http.MethodGet, "sleep", "/", nil); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		},
		"swap": func() error { return r.push("swap", []string{"hello", "state"}[rand.IntN(2)]) },
		"come and go": func() error {
			if err := r.push("mortal", "hello"); err != nil {
				return err
			}
			status, text, err := r.ask(context.Background(), http.MethodDelete, "", "/api/v1/apps/mortal", nil)
			if err == nil && status != http.StatusNoContent {
				err = fmt.Errorf("remove: %d %s", status, text)
			}
			return err
		},
		"follow": func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			if _, _, err := r.ask(ctx, http.MethodGet, "", "/api/v1/apps/trap/logs?follow=true", nil); err != nil && ctx.Err() == nil {
				return err
			}
			return nil
		},
	}
}

// All rooms together under load, with pushes and removals, have no race and leave
// no goroutine (see TestMain) and no file.
func TestSoak(t *testing.T) {
	duration := 4 * time.Second
	if testing.Short() {
		duration = time.Second
	}
	config := host.DefaultConfig()
	config.Listen, config.Data, config.Logger = "127.0.0.1:0", t.TempDir(), slog.New(slog.DiscardHandler)
	config.Limits.Memory, config.Limits.Timeout = 8<<20, 5*time.Second
	r := start(t, config)
	defer r.stop()
	for app, guest := range map[string]string{
		"echo": "echo", "state": "state", "trap": "trap", "grow": "grow", "sleep": "sleep", "swap": "hello",
	} {
		if err := r.push(app, guest); err != nil {
			t.Fatal(err)
		}
	}
	end := time.Now().Add(duration)
	var group sync.WaitGroup
	for name, do := range r.deeds() {
		clients := 3
		if name == "come and go" {
			clients = 1 // or one would remove the other's
		}
		for range clients {
			group.Go(func() {
				for n := 0; n == 0 || time.Now().Before(end); n++ {
					if err := do(); err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
				}
			})
		}
	}
	group.Wait()
	r.stop()
	for _, pattern := range []string{"tmp/*", "cache/incoming/*", "cache/*/*.tmp", "blobs/.*"} {
		if left, err := filepath.Glob(filepath.Join(config.Data, pattern)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v %v", left, err)
		}
	}
}
