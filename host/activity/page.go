package activity

import (
	"context"
	"math/bits"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Buckets is how many there are of a latency: the first ends at 64 µs, each other at
// twice the one before, and the last has no end.
const Buckets = 20

// firstBucket is where the first one ends, as a power of two of microseconds.
const firstBucket = 6

// Latency counts requests by how their instance began and how long they took: from the
// end of the queue to the end of the answer.
type Latency map[space.Start][Buckets]int

// BucketEnd is where a bucket ends.
func BucketEnd(i int) time.Duration { return time.Microsecond << (firstBucket + i) }

func bucketOf(d time.Duration) int {
	return min(max(bits.Len64(uint64(max(d, 0).Microseconds()))-firstBucket, 0), Buckets-1)
}

// page is what is remembered of a Micro.
type page struct {
	last    time.Time
	minute  int64 // since 1970, of the newest one
	minutes [Minutes]Minute
	ring    []Request
	count   int // of all requests ever noted
	latency map[space.Start]*[Buckets]int
	noted   chan struct{} // closed with the next request; nil while nobody waits
}

func (p *page) note(r Request, now time.Time) {
	p.last = now
	p.turn(now)
	m := &p.minutes[p.minute%Minutes]
	m.Requests++
	if r.Failed() {
		m.Errors++
	}
	if r.Start != "" {
		if p.latency == nil {
			p.latency = map[space.Start]*[Buckets]int{}
		}
		counts := p.latency[r.Start]
		if counts == nil {
			counts = &[Buckets]int{}
			p.latency[r.Start] = counts
		}
		counts[bucketOf(r.Begin+r.Run)]++
	}
	if len(p.ring) < Newest {
		p.ring = append(p.ring, r)
	} else {
		p.ring[p.count%Newest] = r
	}
	p.count++
	p.wake()
}

// turn empties the minutes that have begun since the last request. A clock that was set
// back counts on in the newest.
func (p *page) turn(now time.Time) {
	minute := now.Unix() / 60
	if minute-p.minute >= Minutes {
		p.minutes = [Minutes]Minute{}
		p.minute = minute
	}
	for p.minute < minute {
		p.minute++
		p.minutes[p.minute%Minutes] = Minute{}
	}
}

func (p *page) hour(now time.Time) [Minutes]Minute {
	p.turn(now)
	var hour [Minutes]Minute
	for i := range hour {
		hour[i] = p.minutes[(p.minute+1+int64(i))%Minutes]
	}
	return hour
}

// at is the n-th request of all, which has to be in the ring.
func (p *page) at(n int) Request { return p.ring[n%Newest] }

// since returns the requests from the n-th on that are still known, the newest first.
func (p *page) since(n int) []Request {
	n = max(n, p.count-len(p.ring))
	all := make([]Request, 0, max(p.count-n, 0))
	for i := p.count - 1; i >= n; i-- {
		all = append(all, p.at(i))
	}
	return all
}

// wake tells those who follow.
func (p *page) wake() {
	if p.noted != nil {
		close(p.noted)
		p.noted = nil
	}
}

// Follow calls fn with the requests that a Micro gets from now on, in their order, until
// ctx ends or fn fails. Who is too slow misses some.
func (b *Book) Follow(ctx context.Context, key Key, fn func([]Request) error) error {
	from := -1
	for {
		fresh, next, noted := b.watch(key, from)
		if len(fresh) > 0 {
			if err := fn(fresh); err != nil {
				return err
			}
		}
		from = next
		select {
		case <-noted:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watch returns the requests from the n-th on, the oldest first, and what closes when
// there is another. n < 0 is the next.
func (b *Book) watch(key Key, n int) (fresh []Request, next int, noted <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.micros[key]
	if p == nil { // and is to be there when its first request comes
		b.makeRoom()
		p = &page{last: b.now()}
		b.micros[key] = p
	}
	if n < 0 || n > p.count {
		n = p.count
	}
	all := p.since(n)
	for i := len(all) - 1; i >= 0; i-- {
		fresh = append(fresh, all[i])
	}
	if p.noted == nil {
		p.noted = make(chan struct{})
	}
	return fresh, p.count, p.noted
}
