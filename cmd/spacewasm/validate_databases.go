package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spacewasm/spacewasm/wasi"
)

// databases puts the databases that are packed for a Micro through a server's checks. Those
// that cannot be queried are a fault if the module queries any, and a note as long as there
// is none (report is nil).
func (v *validation) databases(ctx context.Context, engine *wasi.Engine, dir string, m *validatedMicro, report *wasi.Report) error {
	if report != nil && !report.Queries() {
		return nil
	}
	var files wasi.Files
	for _, file := range m.Files {
		if isDatabase(filepath.Join(dir, filepath.FromSlash(file.Path))) {
			files.Names, files.Bytes = append(files.Names, file.Path), files.Bytes+file.Bytes
		}
	}
	found, err := checkDatabases(ctx, engine, dir, files)
	if refused, ok := errors.AsType[*wasi.RefusedError](err); ok {
		for _, fault := range refused.Faults {
			v.fault(m.Module, "%s", fault)
		}
		return nil
	}
	if err != nil {
		return err
	}
	for _, d := range found {
		switch {
		case d.Fault == "":
		case report == nil:
			v.Notes = append(v.Notes, fmt.Sprintf("%s cannot be queried: %s", d.Name, d.Fault))
		default:
			v.fault(d.Name, "%s", d.Fault)
		}
	}
	return nil
}
