// Command suite measures the project's claims against its peers, all in one run, and
// writes docs/benchmarks.md's part of it. `make bench` runs it.
//
// Each peer is a server on loopback of its own, which answers with the same short text.
// Wrk asks them, in turns and several times around, from the same machine: it takes its
// part of the processors from all of them alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/wasi"
)

// settings say what is measured, and how long.
type settings struct {
	root   string // of the checkout
	slice  time.Duration
	rounds int
	apps   []int  // how many sleep, for the growth of memory
	only   string // of the peers, by a part of their names, or [onlySQLite]
	out    string // the page that gets the figures; "" is none
}

// onlySQLite is the part of the suite that can be measured, and published, by itself.
const onlySQLite = "sqlite"

func main() {
	if status, isChild := wasi.Child(os.Args); isChild {
		os.Exit(status) //nolint:forbidigo // it is main, by another name
	}
	if err := suite(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1) //nolint:forbidigo // as above
	}
}

// suite serves as a peer, or measures all of them.
func suite(args []string) error {
	if len(args) > 0 && args[0] == "serve" {
		return serve(args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := settings{apps: []int{10, 100, 1000}}
	f := flag.NewFlagSet("suite", flag.ContinueOnError)
	f.StringVar(&s.root, "root", ".", "the checkout")
	f.DurationVar(&s.slice, "slice", 3*time.Second, "how long each peer is asked at a time")
	f.IntVar(&s.rounds, "rounds", 3, "how often, with each number of connections")
	f.StringVar(&s.only, "only", "", "measure only the peers whose name has this in it, and the native server; or sqlite")
	f.StringVar(&s.out, "out", "", "the page whose figures are replaced, for example docs/benchmarks.md")
	quick := f.Bool("quick", false, "measure for a moment only, to see that it works")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *quick {
		s.slice, s.rounds, s.apps = 500*time.Millisecond, 1, []int{10}
	}
	return s.run(ctx)
}

// run measures everything, and reports it.
func (s settings) run(ctx context.Context) (err error) {
	if s.root, err = filepath.Abs(s.root); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "spacewasm-suite-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r := newReport()
	parts := []func() error{
		func() error { return s.requests(ctx, dir, r) },
		func() error { return s.memory(ctx, dir, r) },
		func() error { return s.starts(ctx, r) },
	}
	if s.only == onlySQLite {
		parts = nil
	}
	parts = append(parts, func() error { return s.sqlite(ctx, dir, r) })
	for _, part := range parts {
		if err := part(); err != nil {
			return err
		}
	}
	fmt.Fprint(os.Stdout, r.markdown(), r.sqliteMarkdown())
	if s.out == "" {
		return nil
	}
	return r.publish(s.out)
}
