package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
)

// Migrate brings the database at path to the newest of the migrations, for tests of schemas that are still to come.
func Migrate(ctx context.Context, path string, migrations fs.FS) error {
	db, err := sql.Open("sqlite", path+"?_pragma=journal_mode(WAL)&_txlock=immediate")
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, db, path, migrations), db.Close())
}

// Crash leaves the staging folder as the end of the process would.
func (s *Staging) Crash() error {
	s.blobs.mu.Lock()
	defer s.blobs.mu.Unlock()
	delete(s.blobs.staged, s.name)
	return s.files.Close()
}

// Plans explains how what reads of the runs without naming an action does so.
func (s *Store) Plans(ctx context.Context) (plans [][]string, err error) {
	for _, q := range []struct {
		text string
		args []any
	}{{closeInterrupted, []any{"", 0}}, {selectWaiting, nil}, {newestRuns, []any{"app", nil, "", 10}}} {
		plan, err := list(ctx, s.db, "EXPLAIN QUERY PLAN "+q.text, q.args, func(scan func(...any) error) (step string, err error) {
			var id, parent, unused int
			err = scan(&id, &parent, &unused, &step)
			return step, err
		})
		if err != nil {
			return nil, err
		}
		plans = append(plans, plan)
	}
	return plans, nil
}
