package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/joho/godotenv"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/space"
)

// maxOutput is how much of a build's words a browser is shown, in bytes: the last.
const maxOutput = 64 << 10

// work builds the project, and again after each change, until ctx ends.
func (d *developing) work(ctx context.Context) error {
	ours := ourRules(neverPacked)
	w, err := watch(d.dir, func(path string, dir bool) bool { return path != envFileName && ours.drops(path, dir) != nil })
	if err != nil {
		return err
	}
	defer w.close()
	var following sync.WaitGroup
	defer following.Wait()
	shown := false
	for changed := []string{space.SpacefileName}; ; {
		if d.round(ctx, changed) && !shown {
			shown = true
			following.Go(func() { d.follow(ctx) })
		}
		// What a build writes is no change of its own; what else has changed meanwhile is.
		meanwhile, err := w.changed()
		if err != nil {
			return err
		}
		changed = slices.DeleteFunc(meanwhile, func(name string) bool { return d.made[name] })
		for _, name := range meanwhile {
			d.made[name] = true
		}
		if len(changed) > 0 {
			continue
		}
		if changed, err = w.next(ctx); err != nil {
			return err
		}
	}
}

// round builds the Micros that a change concerns, puts the project live, and tells
// whether that went well.
func (d *developing) round(ctx context.Context, changed []string) bool {
	began := time.Now()
	output := &tail{limit: maxOutput}
	app, err := d.deploy(ctx, changed, io.MultiWriter(d.out, output))
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		d.failed(err, output)
		return false
	}
	d.trouble.Store(nil)
	d.out.print("live at %s (%v)", app.URL, time.Since(began).Round(time.Millisecond))
	if d.open {
		d.open = false
		if err := browse(app.URL); err != nil {
			d.out.print("%v", err)
		}
	}
	return true
}

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
	d.trouble.Store(space.Errorf(space.CodeBuildFailed, "the project cannot be built as it is\n\n%s\n%s", text, output))
}

// deploy builds and pushes.
func (d *developing) deploy(ctx context.Context, changed []string, out io.Writer) (wire.App, error) {
	var folder *project
	quiet := newProgress(io.Discard, false)
	load, err := newUpload(d.dir, quiet, func(_ string, p *project) error {
		folder = p
		d.expect(p)
		return p.build(ctx, out, func(m space.MicroSpec) bool { return concerns(m, changed) })
	})
	if err != nil {
		return wire.App{}, err
	}
	app, err := d.api.upload(ctx, d.name, load, quiet)
	if err != nil {
		return app, d.api.explain(err)
	}
	return app, d.setVariables(ctx, folder)
}

// expect notes what the builds of a project are known to write.
func (d *developing) expect(p *project) {
	for _, m := range p.spec().Micros {
		if len(m.Commands) > 0 && len(m.Run) > 0 {
			d.made[filepath.FromSlash(path.Join(m.Src, m.Run[0]))] = true
		}
	}
}

// concerns tells whether a Micro is to be built again for these files.
func concerns(m space.MicroSpec, changed []string) bool {
	return slices.ContainsFunc(changed, func(name string) bool {
		name = filepath.ToSlash(name)
		return name == space.SpacefileName || within(name, m.Src)
	})
}

const envFileName = ".env"

// setVariables gives the variables that the Spacefile declares their values of the
// environment, or of the file .env, as Deta's CLI did.
func (d *developing) setVariables(ctx context.Context, p *project) error {
	file := map[string]string{}
	if text, err := os.ReadFile(filepath.Join(d.dir, envFileName)); err == nil { //nolint:gosec // the developer's own
		if file, err = godotenv.UnmarshalBytes(text); err != nil {
			return fmt.Errorf("%s is not a file of NAME=value lines", envFileName) // its error quotes values
		}
	}
	change := wire.EnvChange{Set: map[string]*string{}}
	values := map[string]string{}
	for _, m := range p.spec().Micros {
		for _, preset := range m.Env {
			value, ok := d.lookupEnv(preset.Name)
			if !ok {
				value, ok = file[preset.Name]
			}
			if !ok {
				continue
			}
			values[preset.Name] = value
			if was, set := d.values[preset.Name]; !set || was != value {
				change.Set[preset.Name] = &value
			}
		}
	}
	for name := range d.values {
		if _, still := values[name]; !still {
			change.Unset = append(change.Unset, name)
		}
	}
	d.values = values
	if len(change.Set)+len(change.Unset) == 0 {
		return nil
	}
	_, err := d.api.ChangeEnv(ctx, d.name, "", change)
	return err
}

// follow shows what the Micros write from now on.
func (d *developing) follow(ctx context.Context) {
	err := d.api.Logs(ctx, d.name, client.Query{Follow: true, Since: time.Now()}, func(e logs.Entry) error {
		d.out.print("%s | %s", e.Micro, strings.TrimRight(e.Message, "\n"))
		return nil
	})
	if err != nil && ctx.Err() == nil {
		d.out.print("the log cannot be followed any more: %v", err)
	}
}

func trimmed(text []byte) string { return strings.TrimSpace(string(text)) }

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
