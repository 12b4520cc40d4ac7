package deploy

import (
	"context"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi"
)

// databases lists the SQLite files of a part's bundle. What the Micro could not query is
// refused, if it queries any (threat T8).
func (d *Deployer) databases(ctx context.Context, p *part, src string) ([]space.Database, error) {
	files, err := wasi.FindDatabases(p.Bundle)
	if err != nil || len(files.Names) == 0 {
		return nil, err
	}
	tell(ctx, Event{Stage: StageDatabases, Micro: p.micro.Name})
	began := time.Now()
	found, err := d.config.Engine.CheckDatabases(ctx, p.Bundle, files)
	if err != nil {
		return nil, refusal(err, src)
	}
	var faults []space.Fault
	var databases []space.Database
	for _, f := range found {
		database := space.Database{Name: f.Name, Bytes: f.Bytes, PageSize: f.PageSize, Tables: []space.Table{}, More: f.More, Fault: f.Fault}
		for _, t := range f.Tables {
			database.Tables = append(database.Tables, space.Table{Name: t.Name, Rows: t.Rows})
		}
		if f.Fault != "" {
			faults = append(faults, space.Fault{File: fileKey(src, f.Name), Message: f.Fault})
		}
		databases = append(databases, database)
	}
	if len(faults) > 0 && p.Module.Report().Queries() {
		return nil, space.Refuse(faults...)
	}
	tell(ctx, Event{Stage: StageDatabases, Micro: p.micro.Name, Done: true, Took: time.Since(began), Bytes: files.Bytes})
	return databases, nil
}
