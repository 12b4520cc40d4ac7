package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spacewasm/spacewasm/host/space"
)

// work builds the project, and again after each change, until ctx ends.
func (d *developing) work(ctx context.Context) error {
	if p, err := openProject(d.dir); err == nil { // else a build says why not
		d.noteWritten(p)
	}
	w, err := watch(d.dir, d.skipped())
	if err != nil {
		return err
	}
	defer w.close()
	var following sync.WaitGroup
	defer following.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // first, also where the watcher has failed
	followed := false
	for changed := []string{space.SpacefileName}; ; {
		good, meanwhile, err := d.attempt(ctx, w, changed)
		if err != nil {
			return err
		}
		if good && !followed {
			followed = true
			following.Go(func() { d.follow(ctx) })
		}
		if good {
			changed = nil
		}
		// What is not live as it stands is built again with what comes.
		if len(meanwhile) == 0 {
			if meanwhile, err = w.next(ctx); err != nil {
				return err
			}
		}
		d.out.print("changed: %s", few(meanwhile))
		changed = append(changed, meanwhile...)
		slices.Sort(changed)
		changed = slices.Compact(changed)
	}
}

// skipped tells what is not watched: what is never packed, and what builds write into
// folders of their own, under names that nobody can know before.
func (d *developing) skipped() func(path string, dir bool) bool {
	never, output := ourRules(neverPacked), ourRules(buildOutput)
	return func(path string, dir bool) bool {
		if path == envFileName {
			return false
		}
		if never.drops(path, dir) != nil {
			return true
		}
		written := d.written.Load()
		return written != nil && (output.drops(path, dir) != nil ||
			slices.ContainsFunc(*written, func(folder string) bool { return within(path, folder) }))
	}
}

// noteWritten notes the folders that the builds of a project write: those that Micros
// with commands serve.
func (d *developing) noteWritten(p *project) {
	if !p.hasCommands() {
		d.written.Store(nil)
		return
	}
	written := []string{}
	for _, m := range p.spec().Micros {
		if len(m.Commands) == 0 || !m.Engine.IsStatic() {
			continue
		}
		for _, folder := range m.ServeFolders() {
			if folder != m.Src { // or nothing would be watched
				written = append(written, folder)
			}
		}
	}
	d.written.Store(&written)
}

// attempt builds what has changed and puts it live, and returns whether that went well
// and what has changed meanwhile. Such a change ends the commands that run.
func (d *developing) attempt(ctx context.Context, w *watcher, changed []string) (good bool, meanwhile []string, err error) {
	building, overtake := context.WithCancel(ctx)
	defer overtake()
	watching, ended := context.WithCancel(ctx)
	defer ended()
	d.outputs.begin(w.seen)
	var round sync.WaitGroup
	round.Go(func() {
		defer ended()
		good = d.round(ctx, building, changed)
	})
	for err == nil {
		var news []string
		if news, err = w.next(watching); err == nil {
			meanwhile = append(meanwhile, d.news(news)...)
		}
		if len(meanwhile) > 0 {
			overtake()
		}
	}
	over := errors.Is(err, context.Canceled) // the round or all of it; else the watcher has failed
	if !over {
		overtake()
	}
	round.Wait()
	if ctx.Err() != nil {
		return false, nil, ctx.Err()
	}
	if !over {
		return false, nil, err
	}
	last, err := w.changed()
	if err != nil {
		return false, nil, err
	}
	meanwhile = append(meanwhile, d.news(last)...)
	d.outputs.end(building.Err() == nil)
	return good, meanwhile, nil
}

// news are those changes during a build that are not its own.
func (d *developing) news(changed []string) []string {
	foreign, odd := d.outputs.foreign(changed)
	for _, name := range odd {
		d.out.print("%s is another file after each build: until one leaves it alone, its changes during builds are taken for theirs", name)
	}
	return foreign
}

// few names the first of many files.
func few(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + " and others"
	}
	return strings.Join(names, ", ")
}
