package coldstart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spacewasm/spacewasm/bench/record"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/host/store"
)

// Run does the jobs until ctx ends, which ends the one that is being done.
func (d *Desk) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case j := <-d.jobs:
			err := d.do(ctx, j)
			if err != nil && ctx.Err() == nil {
				// Why is for its owner: some of it are the guest's words.
				d.config.Logger.Warn("cold start not measured", "app", j.app.Name, "micro", j.micro.Name)
			}
			d.end(j, err)
		}
	}
}

// do does a job, and keeps what comes of it.
func (d *Desk) do(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took more than %v", patience))
	defer cancel()
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	defer context.AfterFunc(j.ctx, func() { give(context.Cause(j.ctx)) })()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		d.watch(ctx, j, give)
	}()
	err := d.measure(ctx, j)
	give(nil)
	<-watched
	return err
}

// errReplaced is the reason of a job whose Micro is not any more what it was.
var errReplaced = errors.New("the app was pushed again, changed or removed meanwhile")

// watch gives the job up when its Micro is no more what answers.
func (d *Desk) watch(ctx context.Context, j job, give context.CancelCauseFunc) {
	same := func(now *registry.App) bool {
		return now != nil && now.App.Key == j.app.Key && now.App.Settings == j.app.Settings && now.Revision.Number == j.revision
	}
	if d.config.Registry.Changes(ctx, j.app.Name, same) {
		give(errReplaced)
	}
}

// measure waits for the turn of the job, has it done and records what was found.
func (d *Desk) measure(ctx context.Context, j job) error {
	end, err := d.config.Turn(ctx)
	if err != nil {
		return context.Cause(ctx)
	}
	defer end()
	document, err := d.supplied(ctx, j)
	if err != nil {
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return d.config.Store.RecordMeasurement(ctx, store.Measurement{
		App: j.app.Name, Micro: j.micro.Name, Revision: j.revision, Time: d.config.Now(), Path: withoutValues(j.Path), Document: text,
	}, j.app.Key)
}

// supplied gives the job what it needs of the node, and takes it back.
func (d *Desk) supplied(ctx context.Context, j job) (document *record.Document, err error) {
	if err := d.find(&j); err != nil {
		return nil, err
	}
	if j.Memory, err = part(d.config.Memory, memoryOf(j.micro, j.Limits.Memory), j.micro.MemoryBytes); err != nil {
		return nil, fmt.Errorf("memory: %w", err)
	}
	defer d.config.Memory.Give(j.Memory)
	if j.Tmp, err = part(d.config.Tmp, j.Limits.Tmp, 1<<20); err != nil {
		return nil, fmt.Errorf("/tmp: %w", err)
	}
	defer d.config.Tmp.Give(j.Tmp)
	dir, err := filepath.Abs(d.config.Dir)
	if err != nil {
		return nil, err
	}
	if j.Dir, err = os.MkdirTemp(dir, "coldstart-"); err != nil {
		return nil, fmt.Errorf("make a folder for what is compiled: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(j.Dir)) }()
	return d.config.Measure(ctx, j.Job, d.at)
}

// find finds the Micro's files, and whether the disk has room for what is made of them.
func (d *Desk) find(j *job) error {
	bundle, err := d.config.Bundle(space.Digest(j.Bundle))
	if err != nil {
		return fmt.Errorf("open the Micro's files: %w", err)
	}
	if j.Bundle, err = filepath.Abs(bundle.Name()); err != nil { // it is for a process that is elsewhere
		return errors.Join(err, bundle.Close())
	}
	if err := bundle.Close(); err != nil {
		return err
	}
	// Machine code is several times as large as a module; a snapshot as an instance at the
	// most.
	const code, least = 16, 64 << 20
	j.Disk = least + code*j.micro.WasmBytes + max(j.Limits.Memory, j.Limits.Tmp)
	if !d.config.Room(j.Disk) {
		return errors.New("the disk has no room for what would be compiled")
	}
	return nil
}

// memoryOf is how much memory the instances that there are at a time get: several times as
// much as one begins with, as some need more when they answer.
func memoryOf(micro space.Micro, limit int64) int64 {
	const instances, usual = 4, 96 << 20
	return min(max(instances*micro.MemoryBytes, usual), instances*limit)
}

// part takes what is wanted of a budget, or less, so that others have as much left; it is not
// less than the least.
func part(b Budget, want, least int64) (int64, error) {
	for n := want; n >= max(min(least, want), 1); n /= 2 {
		if b.Take(2 * n) {
			b.Give(n)
			return n, nil
		}
	}
	return 0, errors.New("the server has too little free; try again when less is asked of it")
}

// Measurement is what was found of a Micro of a revision.
type Measurement struct {
	store.Measurement
	record.Document
}

// History returns what was found of a Micro, the newest first and so many at most.
func (d *Desk) History(ctx context.Context, app space.AppName, micro string, most int) ([]Measurement, error) {
	rows, err := d.config.Store.Measurements(ctx, app, micro, most)
	if err != nil {
		return nil, err
	}
	var list []Measurement
	for _, row := range rows {
		m := Measurement{Measurement: row}
		if err := json.Unmarshal(row.Document, &m.Document); err != nil || len(m.Modules) == 0 {
			continue // of another version
		}
		list = append(list, m)
	}
	return list, nil
}
