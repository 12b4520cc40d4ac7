package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// redraw is how often a bar is drawn at most.
const redraw = 100 * time.Millisecond

// progress shows how far a push or a backup is: with a bar and a line that changes on a
// terminal, in plain lines elsewhere. It is safe for concurrent use, because the body of
// a request is read by others than the command.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // nil while there is none
	live     bool                     // a line stands that the next takes the place of
	stopped  bool
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, terminal: terminal}
}

// note prints a line.
func (p *progress) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.print(line)
}

// print prints a line for good. mu is held.
func (p *progress) print(line string) {
	p.clear()
	fmt.Fprintln(p.out, escape(line))
}

// meanwhile shows on a terminal what goes on, until there is something else. mu is held.
func (p *progress) meanwhile(line string) {
	p.clear()
	if p.terminal {
		fmt.Fprint(p.out, escape(line))
		p.live = true
	}
}

func (p *progress) packing(dir string) { p.note("packing " + dir + "…") }

// uploading begins the upload of so many bytes of files; those that are unchanged are
// not sent.
func (p *progress) uploading(weight, unchanged int64) {
	what := humanSize(weight)
	if unchanged > 0 {
		what += " (" + humanSize(unchanged) + " unchanged)"
		if p.terminal { // whose bar does not say it
			p.note("uploading " + what)
		}
	}
	p.begin("uploading", what, weight)
}

// begin begins something of so many bytes, about what.
func (p *progress) begin(doing, what string, weight int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.terminal {
		p.print(doing + " " + what)
		return
	}
	p.clear()
	p.bar = progressbar.NewOptions64(max(weight, 1),
		progressbar.OptionSetWriter(p.out),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionShowBytes(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionClearOnFinish(),
	)
}

// add counts bytes that are done.
func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		// What a bar fails to draw is no reason to fail.
		_ = p.bar.Add(n)
	}
}

// sent says that the upload is through. An older server says nothing until it is done.
func (p *progress) sent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.meanwhile("compiling…")
	}
}

// told shows a step that the server tells of.
func (p *progress) told(e wire.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := e.State == wire.StateDone
	switch {
	case p.stopped:
	case e.Event == wire.EventCompile && done:
		p.print(fmt.Sprintf("compiling %s… %.1f s", e.Micro, e.MS/1000))
	case e.Event == wire.EventCompile:
		p.meanwhile("compiling " + e.Micro + "…")
	case e.Event == wire.EventDatabases && done:
		p.print(fmt.Sprintf("databases of %s: %s checked in %.1f s", e.Micro, humanSize(e.Bytes), e.MS/1000))
	case e.Event == wire.EventDatabases:
		p.meanwhile("checking the databases of " + e.Micro + "…")
	case e.Event == wire.EventSnapshot && done && e.Bytes > 0:
		p.print("snapshot of " + e.Micro + ": " + humanSize(e.Bytes))
	case e.Event == wire.EventSnapshot && done:
		p.clear() // the table says why there is none
	case e.Event == wire.EventSnapshot:
		p.meanwhile("taking the snapshot of " + e.Micro + "…")
	case e.Event == wire.EventActivate:
		p.meanwhile("activating…")
	}
}

// stop ends the progress: nothing is shown from here on.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stopped = true
}

// clear removes what stands only for the moment. mu is held.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
	if p.live {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.live = false
	}
}
