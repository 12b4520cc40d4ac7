package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cgi"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
	"github.com/spacewasm/spacewasm/wasi/stock"
)

// serve is one of the peers that this program is itself: an address, a file, and what
// is done with it.
func serve(args []string) (err error) {
	if len(args) < 3 {
		return errors.New("serve ADDRESS FILE native | micro ISOLATION | stock | fork")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var handler http.Handler
	switch args[2] {
	case "native":
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "Hello from %s!\n", r.Host) })
	case "fork":
		handler = &cgi.Handler{Path: args[1]}
	case "micro":
		config := bench.FileConfig(args[1])
		config.Isolation = space.Isolation(args[3])
		s, err := bench.NewSubject(ctx, config)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
		handler = s
	case "stock":
		handler, err = newStock(ctx, args[1])
		if err != nil {
			return err
		}
	}
	const headerTime = 10 * time.Second
	server := &http.Server{Addr: args[0], Handler: handler, ReadHeaderTimeout: headerTime}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newStock(ctx context.Context, file string) (http.Handler, error) {
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		return nil, err
	}
	report, err := engine.Inspect(code)
	if err = errors.Join(err, engine.Close(ctx)); err != nil {
		return nil, err
	}
	const timeout = 20 * time.Second
	return stock.Compile(ctx, code, report, stock.Config{Dir: filepath.Dir(file), Args: []string{filepath.Base(file)}, Timeout: timeout})
}
