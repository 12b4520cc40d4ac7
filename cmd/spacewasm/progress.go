package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// redraw is how often a bar is drawn at most.
const redraw = 100 * time.Millisecond

// progress shows how far a push or a backup is: with a bar on a terminal, in plain lines
// elsewhere. It is safe for concurrent use, because the body of a request is
// read by others than the command.
type progress struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // nil while there is none
	stopped  bool
}

func newProgress(out io.Writer, terminal bool) *progress {
	return &progress{out: out, terminal: terminal}
}

// note prints a line.
func (p *progress) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, escape(line))
}

func (p *progress) packing(dir string) { p.note("packing " + dir + "…") }

// uploading begins the upload of so many bytes.
func (p *progress) uploading(weight int64) { p.begin("uploading", humanSize(weight), weight) }

// begin begins something of so many bytes, about what.
func (p *progress) begin(doing, what string, weight int64) {
	if !p.terminal {
		p.note(doing + " " + what)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
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

// compiling says that the upload is through, and what the server is at.
func (p *progress) compiling() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return
	}
	p.clear()
	fmt.Fprintln(p.out, "compiling…")
	p.stopped = true
}

// stop ends the progress: nothing is shown from here on.
func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.stopped = true
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
