package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spacewasm/spacewasm/cmd/spacewasm/project"
	"github.com/spacewasm/spacewasm/host/space"
)

// work builds the project, and again after each change, until ctx ends.
func (d *developing) work(ctx context.Context) error {
	if p, err := project.Open(d.dir); err == nil { // else a build says why not
		d.outputs.Note(p)
	}
	w, err := project.Watch(d.dir, d.outputs.Skip())
	if err != nil {
		return err
	}
	defer w.Close()
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
			if meanwhile, err = w.Next(ctx); err != nil {
				return err
			}
		}
		d.out.print("changed: %s", few(meanwhile))
		changed = append(changed, meanwhile...)
		slices.Sort(changed)
		changed = slices.Compact(changed)
	}
}

// attempt builds what has changed and puts it live, and returns whether that went well
// and what has changed meanwhile. Such a change ends the commands that run.
func (d *developing) attempt(ctx context.Context, w *project.Watcher, changed []string) (good bool, meanwhile []string, err error) {
	building, overtake := context.WithCancel(ctx)
	defer overtake()
	watching, ended := context.WithCancel(ctx)
	defer ended()
	d.outputs.Begin(w)
	var round sync.WaitGroup
	round.Go(func() {
		defer ended()
		good = d.round(ctx, building, changed)
	})
	for err == nil {
		var news []string
		if news, err = w.Next(watching); err == nil {
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
	last, err := w.Changed()
	if err != nil {
		return false, nil, err
	}
	meanwhile = append(meanwhile, d.news(last)...)
	d.outputs.End(building.Err() == nil)
	return good, meanwhile, nil
}

// news are those changes during a build that are not its own.
func (d *developing) news(changed []string) []string {
	foreign, odd := d.outputs.Foreign(changed)
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
