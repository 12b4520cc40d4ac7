package sqlite_test

import (
	"fmt"
	"sync"
	"testing"
)

// full is a bundle with a database that fills a page cache, and its pool a budget.
func full(t *testing.T) (*bundle, *budget) {
	t.Helper()
	b := newBundle(t)
	b.make("data.db", "CREATE TABLE t(x)",
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO t SELECT zeroblob(400) FROM n")
	node := &budget{left: 300 << 20, most: 300 << 20}
	b.pool = b.poolOf(node)
	return b, node
}

// reads has so many guests read the whole database at a time, and ends them in another order.
func (b *bundle) reads(guests int) {
	b.t.Helper()
	var all []*guest
	for range guests {
		g := b.guest()
		if rows, err := g.query(g.mustOpen("data.db"), "SELECT sum(length(x)) FROM t"); err != nil || fmt.Sprint(rows) != "[[8000000]]" {
			b.t.Fatal(rows, err)
		}
		all = append(all, g)
	}
	for i := range all {
		all[i*5%guests].session.Close()
	}
}

// T19: a page may be freed by another connection than has taken it, later than that one is closed; all comes
// back to the node's budget.
func TestPagesOfOthersComeBack(t *testing.T) {
	b, node := full(t)
	b.reads(12)
	most := node.most - node.left
	for range 4 {
		b.reads(12)
	}
	if now := node.most - node.left; now > most+4<<20 {
		t.Errorf("idle connections have %d bytes, and had %d at first", now, most)
	}
	b.pool.Close()
	if node.left != node.most {
		t.Errorf("%d bytes are left over", node.most-node.left)
	}
}

// T19: idle connections are given up for who needs their memory; those in use stay, and others are opened.
func TestReclaim(t *testing.T) {
	b, node := full(t)
	busy := b.guest()
	db := busy.mustOpen("data.db")
	idle := node.left
	b.reads(6)
	if node.left > idle-4<<20 {
		t.Fatalf("6 idle connections have %d bytes", idle-node.left)
	}
	if !b.pool.Reclaim() || b.pool.Reclaim() {
		t.Error("it does not tell whether there were any")
	}
	if took := idle - node.left; took > 2<<20 { // pages that the busy one has
		t.Errorf("%d bytes are kept", took)
	}
	if rows, err := busy.query(db, "SELECT count(*) FROM t"); err != nil || fmt.Sprint(rows) != "[[20000]]" {
		t.Errorf("who was busy gets %v, %v", rows, err)
	}
	b.reads(2)
	busy.session.Close()
	b.pool.Close()
	if b.pool.Reclaim() || node.left != node.most {
		t.Errorf("%d bytes are left over", node.most-node.left)
	}
}

// A connection that asks for memory has those that are idle beside it closed, in the middle of its own work.
func TestReclaimWhileItWorks(t *testing.T) {
	b, node := full(t)
	scarce := &reclaiming{budget: node}
	b.pool = b.poolOf(scarce)
	scarce.reclaim = b.pool.Reclaim
	b.reads(8)
	node.left = 0
	var wg sync.WaitGroup
	for range 3 {
		g := b.guest()
		wg.Go(func() {
			rows, err := g.query(g.mustOpen("data.db"), "SELECT count(DISTINCT x || rowid) FROM t WHERE rowid <= 2000")
			if err != nil || fmt.Sprint(rows) != "[[2000]]" {
				t.Errorf("got %v, %v", rows, err)
			}
			g.session.Close()
		})
	}
	wg.Wait()
	if scarce.reclaimed == 0 {
		t.Error("nothing was closed for it")
	}
	b.pool.Close()
}

// reclaiming is a budget that has idle connections closed before it refuses.
type reclaiming struct {
	*budget
	reclaim func() bool

	one       sync.Mutex
	reclaimed int
}

func (r *reclaiming) Take(n int64) bool {
	if r.budget.Take(n) {
		return true
	}
	r.one.Lock() // who comes second finds what the first has had closed
	defer r.one.Unlock()
	if r.reclaim() {
		r.reclaimed++
	}
	return r.budget.Take(n)
}
