package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is what came of many requests at a time to one database.
type crowd struct {
	database         float64 // bytes
	requests, failed int64
	turnedAway       int64 // and asked again
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
		say("%d clients, a database of %s: %d requests in %v, %d failed, %d turned away; resident %s, at most %s",
			crowdClients, mebibytes(c.database), c.requests, c.took, c.failed, c.turnedAway, mebibytes(c.before), mebibytes(c.most))
		r.crowds = append(r.crowds, c)
	}
	return nil
}

// run has all clients ask, and looks at the server's memory meanwhile.
func (c *crowd) run(ctx context.Context, n *node, q querier) error {
	began := time.Now()
	var clients sync.WaitGroup
	var failed, turnedAway atomic.Int64
	for client := range crowdClients {
		clients.Go(func() {
			for i := range crowdRequests {
				from := (client*crowdRequests + i) * 8111 % 90_000
				path := fmt.Sprintf("/lookup?times=200&from=%d", from)
				if i%2 == 0 {
					path = fmt.Sprintf("/scan?times=1&from=%d", from)
				}
				_, _, err := q.ask(ctx, path)
				for errors.Is(err, errTurnedAway) {
					turnedAway.Add(1)
					time.Sleep(100 * time.Millisecond)
					_, _, err = q.ask(ctx, path)
				}
				if err != nil && failed.Add(1) == 1 {
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
			c.requests, c.failed, c.turnedAway, c.took = crowdClients*crowdRequests, failed.Load(), turnedAway.Load(), time.Since(began)
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
