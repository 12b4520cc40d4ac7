package coldstart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spacewasm/spacewasm/bench/record"
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
				d.config.Logger.Warn("cold start not measured", "app", j.app.Name, "micro", j.micro, "error", err)
			}
			d.end(j, err)
		}
	}
}

// do does a job, and keeps what comes of it.
func (d *Desk) do(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	end, err := d.config.Turn(ctx)
	if err != nil {
		return err
	}
	defer end()
	document, err := d.measure(ctx, j)
	if err != nil {
		return err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return err
	}
	return d.config.Store.RecordMeasurement(ctx, store.Measurement{
		App: j.app.Name, Micro: j.micro, Revision: j.revision, Time: d.config.Now(), Path: j.Path, Document: text,
	}, j.app.Key)
}

// measure gives the job what it needs of the node, and takes it back.
func (d *Desk) measure(ctx context.Context, j job) (document *record.Document, err error) {
	bundle, err := d.config.Bundle(space.Digest(j.Bundle))
	if err != nil {
		return nil, fmt.Errorf("open the Micro's files: %w", err)
	}
	j.Bundle = bundle.Name()
	if err := bundle.Close(); err != nil {
		return nil, err
	}
	// Machine code is several times as large as a module, and it is there with its
	// snapshot.
	const times = 12
	if !d.config.Room(times * j.module) {
		return nil, errors.New("the disk has no room for what would be compiled")
	}
	if j.Memory, err = d.take(j.Limits.Memory); err != nil {
		return nil, err
	}
	defer d.give(j.Memory)
	if j.Dir, err = os.MkdirTemp(d.config.Dir, "coldstart-"); err != nil {
		return nil, fmt.Errorf("make a folder for what is compiled: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(j.Dir)) }()
	return d.config.Measure(ctx, j.Job, d.at)
}

// take takes memory for the instances that there are at a time, which most never need, or
// for one.
func (d *Desk) take(limit int64) (int64, error) {
	if d.config.Memory == nil {
		return 0, nil
	}
	const instances = 3
	for _, n := range []int64{instances * limit, limit} {
		if d.config.Memory.Take(n) {
			return n, nil
		}
	}
	return 0, errors.New("the server has too little memory free; try again when less is asked of it")
}

func (d *Desk) give(n int64) {
	if d.config.Memory != nil {
		d.config.Memory.Give(n)
	}
}

// Measurement is what was found of a Micro of a revision.
type Measurement struct {
	store.Measurement
	record.Document
}

// History returns what was found of a Micro, the newest first.
func (d *Desk) History(ctx context.Context, app space.AppName, micro string) ([]Measurement, error) {
	rows, err := d.config.Store.Measurements(ctx, app, micro)
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
