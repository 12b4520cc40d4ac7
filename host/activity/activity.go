// Package activity remembers, in memory, what Micros have done lately: how many requests
// each minute of the last hour had, how long they took, and the newest of them.
package activity

import (
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// What is remembered. Of Micros beyond the bound the one that was asked least lately is
// forgotten, so that all of it is some 25 MB at most.
const (
	// Minutes is how many there are of a Micro, the present one with them.
	Minutes = 60
	// Newest is how many requests of a Micro are remembered one by one.
	Newest = 100

	maxMicros = 1000
	maxText   = 160 // bytes of a path
)

// Request is what a request to a Micro came to.
type Request struct {
	ID space.RequestID
	// Revision is the number of the one that answered.
	Revision int
	Time     time.Time // when it came
	Method   string
	Path     string // cut where it is long
	Status   int
	Code     space.Code // of the platform's error, "" for none
	Bytes    int64      // of the answer's body
	Took     time.Duration
	// Start is how the instance came to be, "" where none was had; Queue how long the
	// request waited for it, Begin how long that took to make.
	Start        space.Start
	Queue, Begin time.Duration
	Run          time.Duration
	Fuel         uint64
	Memory       int64 // the most that the guest had, in bytes
}

// Failed tells whether the owner is to look at it: the Micro, or the server, has failed.
func (r Request) Failed() bool { return r.Status >= 500 }

// Minute counts the requests of one minute.
type Minute struct{ Requests, Errors int }

// Key names a Micro.
type Key struct {
	App   space.AppName
	Micro string
	// Born tells an app from one that had its name before: when it was made, in
	// milliseconds since 1970.
	Born int64
}

// KeyOf names a Micro of an app.
func KeyOf(app space.App, micro string) Key {
	return Key{App: app.Name, Micro: micro, Born: app.Created.UnixMilli()}
}

// Book is safe for concurrent use.
type Book struct {
	now func() time.Time

	mu     sync.Mutex
	micros map[Key]*page
}

// New returns an empty book. now is the clock.
func New(now func() time.Time) *Book {
	return &Book{now: now, micros: map[Key]*page{}}
}

// Note writes down a request that has ended.
func (b *Book) Note(key Key, r Request) {
	if len(r.Path) > maxText {
		r.Path = strings.ToValidUTF8(r.Path[:maxText], "") + "…"
	}
	// Or the whole head of the request would be kept with its parts.
	r.Path, r.Method = strings.Clone(r.Path), strings.Clone(r.Method)
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.micros[key]
	if p == nil {
		b.makeRoom()
		p = &page{}
		b.micros[key] = p
	}
	p.note(r, now)
}

// makeRoom forgets the Micro that was asked least lately, if there are too many. mu is
// held.
func (b *Book) makeRoom() {
	if len(b.micros) < maxMicros {
		return
	}
	var oldest Key
	var last time.Time
	for key, p := range b.micros {
		if last.IsZero() || p.last.Before(last) {
			oldest, last = key, p.last
		}
	}
	b.micros[oldest].wake()
	delete(b.micros, oldest)
}

// Hour returns the minutes up to now, the oldest first.
func (b *Book) Hour(key Key) [Minutes]Minute {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	var hour [Minutes]Minute
	if p := b.micros[key]; p != nil {
		hour = p.hour(now)
	}
	return hour
}

// Recent returns the newest requests, the newest first, and how often each start took how
// long.
func (b *Book) Recent(key Key) ([]Request, Latency) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.micros[key]
	if p == nil {
		return nil, Latency{}
	}
	latency := Latency{}
	for start, counts := range p.latency {
		latency[start] = *counts
	}
	return p.since(0), latency
}

// Last returns the newest request.
func (b *Book) Last(key Key) (Request, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.micros[key]
	if p == nil || p.count == 0 {
		return Request{}, false
	}
	return p.at(p.count - 1), true
}

// Find looks for a request among the newest of all Micros.
func (b *Book) Find(id space.RequestID) (Key, Request, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, p := range b.micros {
		for _, r := range p.ring {
			if r.ID == id {
				return key, r, true
			}
		}
	}
	return Key{}, Request{}, false
}
