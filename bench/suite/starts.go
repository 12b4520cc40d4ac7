package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/bench"
)

// starts measures how long the first byte takes at each depth of sleep, against stock
// wazero, by the command bench's own stages.
func (s settings) starts(ctx context.Context, r *report) (err error) {
	config := bench.FileConfig(filepath.Join(s.root, "examples/hello/main.wasm"))
	config.Baseline = true
	subject, err := bench.NewSubject(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, subject.Close(context.WithoutCancel(ctx))) }()
	const slices = 8
	options := bench.Options{Path: "/", Time: min(slices*s.slice, 30*time.Second), Progress: func(what string, _ float64) { say("%s", what) }}
	results, err := bench.Run(ctx, options, subject)
	if err != nil {
		return err
	}
	r.starts = bench.NewDocument("", results).Modules[0].Stages
	return nil
}
