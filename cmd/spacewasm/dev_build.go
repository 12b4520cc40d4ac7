package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
)

// maxOutput is how much of a build's words a browser is shown, in bytes: the last.
const maxOutput = 64 << 10

// round builds the Micros that a change concerns, puts the project live, and tells
// whether that went well. Their commands end with building, what follows with ctx.
func (d *developing) round(ctx, building context.Context, changed []string) bool {
	began := time.Now()
	output := &tail{limit: maxOutput}
	app, err := d.deploy(ctx, building, changed, io.MultiWriter(d.out, output))
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, context.Canceled):
		d.out.print("changed meanwhile: once more")
		return false
	case err != nil:
		d.failed(err, output)
		return false
	}
	d.trouble.Store(nil)
	verb := "rebuilt"
	if !d.built {
		d.built, verb = true, "built"
	}
	d.out.print("%s in %s, live at %s", verb, seconds(time.Since(began)), app.URL)
	if d.open {
		d.open = false
		if err := browse(app.URL); err != nil {
			d.out.print("%v", err)
		}
	}
	return true
}

// seconds is a duration as a person wants it.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// failed shows why a build failed, in the terminal and to the browser.
func (d *developing) failed(err error, output *tail) {
	text := describe(err)
	if refused, ok := errors.AsType[*space.Error](err); ok && len(refused.Faults) > 0 {
		faults := make([]string, len(refused.Faults))
		for i, fault := range refused.Faults {
			faults[i] = fault.String()
		}
		text = strings.Join(faults, "\n")
	}
	d.out.print("%s", text)
	if next := nextStep(err); next != "" {
		d.out.print("%s", next)
	}
	d.out.print("waiting for a change…")
	d.trouble.Store(space.Errorf(space.CodeBuildFailed, "the project cannot be built as it is\n\n%s\n%s", text, plain(output.String())))
}

// deploy builds and pushes.
func (d *developing) deploy(ctx, building context.Context, changed []string, out io.Writer) (wire.App, error) {
	quiet := newProgress(io.Discard, false)
	load, err := newUpload(d.dir, quiet, func(_ string, p *project.Project) error {
		d.outputs.Note(p)
		wanted := func(m space.MicroSpec) bool { return p.Concerns(m, changed) }
		d.outputs.Expect(p.Spec().Micros, wanted)
		return p.Build(building, buildCommands(out, wanted))
	})
	if err != nil {
		return wire.App{}, err
	}
	// With it, as a Micro may not begin without; those that are gone are unset then.
	if load.set, err = d.variableValues(load.folder); err != nil {
		return wire.App{}, err
	}
	app, err := d.api.upload(ctx, d.name, load, quiet)
	if err != nil {
		return app, d.api.explain(err)
	}
	return app, d.setVariables(ctx, load.folder)
}

// plain is text without what colours it in a terminal, which a browser does not know.
func plain(text string) string {
	return regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`).ReplaceAllString(text, "")
}

// tail keeps the last of what is written to it.
type tail struct {
	limit int
	mu    sync.Mutex
	text  bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(p)
	if over := t.text.Len() - t.limit; over > 0 {
		t.text.Next(over)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
