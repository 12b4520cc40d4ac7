package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/wasi"
)

// isDatabase tells whether a file is a SQLite database, by how it begins.
func isDatabase(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, wasi.DatabaseMagicBytes)
	_, err = io.ReadFull(f, head)
	return err == nil && wasi.IsDatabase(head)
}

// inspectDatabase says what a database is, and whether guests could query it.
func (c *cli) inspectDatabase(ctx context.Context, name string, asJSON bool) (err error) {
	engine, err := wasi.New(ctx, wasi.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close(context.WithoutCancel(ctx))) }()
	found, err := checkDatabases(ctx, engine, filepath.Dir(name), wasi.Files{Names: []string{filepath.Base(name)}})
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(c.out, found[0], "  ")
	} else {
		_, err = fmt.Fprintln(c.out, cell(databaseWords(found[0])))
	}
	if err == nil && found[0].Fault != "" {
		return exitStatus(exitNo)
	}
	return err
}

// listDatabases lists those in the module's folder; what could not be queried is a fault.
func (i *inspection) listDatabases(ctx context.Context, engine *wasi.Engine, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open the module's folder: %w", err)
	}
	files, err := wasi.FindDatabases(root)
	if err := errors.Join(err, root.Close()); err != nil {
		return err
	}
	if len(files.Names) == 0 {
		i.Advice = append(i.Advice, "it queries SQLite, and no database is in its folder: put one beside it")
	}
	if i.Databases, err = checkDatabases(ctx, engine, dir, files); err != nil {
		return addFaults(i.Report, err)
	}
	for _, d := range i.Databases {
		if d.Fault != "" {
			i.Faults = append(i.Faults, d.Name+": "+d.Fault)
		}
	}
	return nil
}

// checkDatabases checks the files of a folder as a push would.
func checkDatabases(ctx context.Context, engine *wasi.Engine, dir string, files wasi.Files) (_ []wire.Database, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of the databases: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	found, err := engine.CheckDatabases(ctx, root, files)
	if err != nil {
		return nil, err
	}
	var databases []wire.Database
	for _, f := range found {
		d := wire.Database{Name: f.Name, Bytes: f.Bytes, PageSize: f.PageSize, Tables: []wire.Table{}, More: f.More, Fault: f.Fault}
		for _, t := range f.Tables {
			d.Tables = append(d.Tables, wire.Table(t))
		}
		databases = append(databases, d)
	}
	return databases, nil
}
