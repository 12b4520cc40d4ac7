// Package static is a live Micro that has no program: the files of its tree are
// its answers.
package static

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// defaultPacked is how many bytes of compressed files a site keeps.
const defaultPacked = 4 << 20

// bufferSize is what a file is read and sent in.
const bufferSize = 32 << 10

// Config is what a site is made of.
type Config struct {
	// Files opens the tree, which nobody changes and the site closes. It is called
	// when somebody asks for the site, and again after it has been idle.
	Files func() (*os.Root, error)
	// Fallback is the file of the tree that answers a browser's navigation to where
	// no file is, as an app that routes by itself wants it; "" is none.
	Fallback string
	// Hidden are files and folders of the tree that are not the site's.
	Hidden []string
	// Public lets shared caches keep answers.
	Public bool
	// Idle is how long the site keeps what it holds when nobody asks for it; 0 is
	// until it is closed.
	Idle time.Duration
	// Packed is how many bytes of compressed files the site keeps; 0 is 4 MiB.
	Packed int64
}

// Site is a live static Micro. It is safe for concurrent use.
type Site struct {
	config   Config
	requests atomic.Int64
	last     atomic.Int64 // when somebody asked, in nanoseconds since 1970; 0 is never
	buffers  sync.Pool
	files    index
	packed   packed
	packing  chan struct{} // holds who compresses; one at a time, as it takes a processor

	mu     sync.Mutex
	root   *os.Root // nil while the site holds nothing
	active int      // requests that use root
	used   time.Time
	timer  *time.Timer
	closed bool
}

var _ registry.Server = (*Site)(nil)

// New returns a site, which is to be closed. It opens nothing.
func New(config Config) *Site {
	return &Site{
		config:  config,
		buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }},
		packed:  packed{limit: cmp.Or(config.Packed, defaultPacked)},
		packing: make(chan struct{}, 1),
	}
}

// Usage counts the requests since the site was made; they have no fuel.
func (s *Site) Usage() space.Usage {
	u := space.Usage{Requests: s.requests.Load()}
	if last := s.last.Load(); last != 0 {
		u.Last = time.Unix(0, last)
	}
	return u
}

// State tells whether the site has its files open; see [space.State].
func (s *Site) State() space.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return space.State{Awake: s.root != nil, Running: s.active}
}

// Serve answers a request; see [registry.Server]. The request's URL has the path
// below the Micro's, its RequestURI the target as the client has sent it.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request) error {
	s.requests.Add(1)
	s.last.Store(time.Now().UnixNano())
	*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		e := space.Errorf(space.CodeMethodNotAllowed, "this Micro is files only: it answers GET and HEAD")
		e.Unread = r.ContentLength != 0
		return e
	}
	root, err := s.enter()
	if err != nil {
		return err
	}
	defer s.leave()
	found, err := s.find(root, r)
	switch {
	case err != nil:
		return err
	case found.folder != "":
		s.redirect(w, r, found.folder)
		return nil
	case found.file == nil:
		if found.varies {
			w.Header().Add("Vary", "Accept")
		}
		return space.Errorf(space.CodeNotFound, "there is no file here")
	}
	return s.send(w, r, root, found)
}

// enter returns the tree, for use until leave.
func (s *Site) enter() (*os.Root, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, space.Errorf(space.CodePreparing, "the Micro is being replaced, or the server stops; try again")
	}
	if s.root == nil {
		root, err := s.config.Files()
		if err != nil {
			return nil, fmt.Errorf("open the files of a static Micro: %w", err)
		}
		s.root = root
		if s.config.Idle > 0 {
			s.timer = time.AfterFunc(s.config.Idle, s.doze)
		}
	}
	s.active++
	return s.root, nil
}

func (s *Site) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active--
	s.used = time.Now()
}

// doze frees what the site holds, if it has been idle for long enough.
func (s *Site) doze() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.root == nil {
		return
	}
	left := s.config.Idle - time.Since(s.used)
	if s.active > 0 {
		left = s.config.Idle
	}
	if left > 0 {
		s.timer.Reset(left)
		return
	}
	// A folder that was only read has nothing to lose in its closing.
	_ = s.free()
}

// free is called with mu held, while no request runs.
func (s *Site) free() error {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.files.clear()
	s.packed.clear()
	if s.root == nil {
		return nil
	}
	err := s.root.Close()
	s.root = nil
	return err
}

// Close frees the site; no Serve runs then. It is idempotent.
func (s *Site) Close(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if err := s.free(); err != nil {
		return fmt.Errorf("close the files of a static Micro: %w", err)
	}
	return nil
}
