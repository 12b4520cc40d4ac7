package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is what came of many requests at a time to one database.
type crowd struct {
	database         float64 // bytes
	requests, failed int64
	took             time.Duration
	before, most     float64 // of the server's resident memory, in bytes
}

const (
	crowdClients  = 64
	crowdRequests = 12 // of each client
)

// crowds has many clients ask a small database, and a large one, each of a server that
// has just begun: what they differ by is what the size of a database costs in memory.
func (s settings) crowds(ctx context.Context, n *node, r *sqliteReport) error {
	for _, of := range []struct{ app, file string }{{"queries", "data.db"}, {"large", "large.db"}} {
		info, err := os.Stat(filepath.Join(n.dir, of.file))
		if err != nil {
			return err
		}
		if err := n.again(ctx, never, never); err != nil {
			return err
		}
		c := crowd{database: float64(info.Size())}
		q := querier{address: n.address, host: of.app + ".localhost"}
		if _, _, err := q.ask(ctx, "/lookup?times=1"); err != nil { // which loads its code
			return err
		}
		if c.before, err = n.settle(); err != nil {
			return err
		}
		if err := c.run(ctx, n, q); err != nil {
			return err
		}
		say("%d clients, a database of %s: %d requests in %v, %d failed; resident %s, at most %s",
			crowdClients, mebibytes(c.database), c.requests, c.took, c.failed, mebibytes(c.before), mebibytes(c.most))
		r.crowds = append(r.crowds, c)
	}
	return nil
}

// run has all clients ask, and looks at the server's memory meanwhile.
func (c *crowd) run(ctx context.Context, n *node, q querier) error {
	began := time.Now()
	var clients sync.WaitGroup
	var failed atomic.Int64
	for client := range crowdClients {
		clients.Go(func() {
			for i := range crowdRequests {
				from := (client*crowdRequests + i) * 8111 % 90_000
				path := fmt.Sprintf("/lookup?times=200&from=%d", from)
				if i%2 == 0 {
					path = fmt.Sprintf("/scan?times=1&from=%d", from)
				}
				if _, _, err := q.ask(ctx, path); err != nil && failed.Add(1) == 1 {
					say("one has failed: %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		clients.Wait()
		close(done)
	}()
	for {
		select {
		case <-done:
			c.requests, c.failed, c.took = crowdClients*crowdRequests, failed.Load(), time.Since(began)
			return nil
		case <-time.After(20 * time.Millisecond):
		}
		now, err := n.resident()
		if err != nil {
			return err
		}
		c.most = max(c.most, now)
	}
}

// writeTargets holds what was measured against what was to be reached.
func (r *sqliteReport) writeTargets(b *strings.Builder) {
	lookup, scan := workloads()[0].name, workloads()[1].name
	fmt.Fprint(b, "\n| of SQLite | ratio | to be reached | |\n|---|--:|--:|---|\n")
	for _, t := range []struct {
		what  string
		ratio float64
		most  float64
	}{
		{lookup + ", to the native time", r.ratio(queryOurs, queryNative, lookup), 3},
		{scan + ", to the native time", r.ratio(queryOurs, queryNative, scan), 1.6},
	} {
		fmt.Fprintf(b, "| %s | %s | at most %gx | %s |\n", t.what, times(t.ratio), t.most, verdict(t.ratio <= t.most))
	}
	faster := r.ratio(queryOwn, queryOurs, scan)
	fmt.Fprintf(b, "| %s, how much faster than by SQLite in the guest | %s | at least 2x | %s |\n", scan, times(faster), verdict(faster >= 2))
}

func (r *sqliteReport) writeCrowds(b *strings.Builder) {
	if len(r.crowds) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d clients at a time, each a scan of 10,000 rows and 200 rows by their keys, in turns, anywhere in the database; 32 of them run at a time.\n\n", crowdClients)
	fmt.Fprint(b, "| database | requests | failed | resident before | at most | grown by |\n|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.crowds {
		fmt.Fprintf(b, "| %s | %d | %d | %s | %s | %s |\n", mebibytes(c.database), c.requests, c.failed, mebibytes(c.before), mebibytes(c.most), mebibytes(c.most-c.before))
	}
}
