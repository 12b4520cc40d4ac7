package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// keptDropped is how many of an app's actions that no revision has any more are
// remembered, the newest.
const keptDropped = 50

// Action is what is kept of a Scheduled Action beside its revision.
type Action struct {
	Key space.ActionKey
	// Installed is when the interval that Spec names began to count.
	Installed time.Time
	Spec      string
	// Last is the newest fire that is accounted for; all before it are, too.
	Last time.Time
	// Interval is its owner's own, "" for the author's.
	Interval string
	Paused   bool
	// Dropped is when a revision came without the action, zero if it is there.
	Dropped time.Time
}

// Actions returns what is kept of the actions of an app, "" for all apps.
func (s *Store) Actions(ctx context.Context, app space.AppName) ([]Action, error) {
	all, err := list(ctx, s.db, `SELECT app, micro, id, installed, last, spec, interval, paused, dropped FROM actions
		WHERE ?1 IN ('', app) ORDER BY app, micro, id`, []any{app},
		func(scan func(...any) error) (a Action, err error) {
			var installed, last, dropped int64
			err = scan(&a.Key.App, &a.Key.Micro, &a.Key.ID, &installed, &last, &a.Spec, &a.Interval, &a.Paused, &dropped)
			a.Installed, a.Last, a.Dropped = fromMilli(installed), fromMilli(last), fromMilli(dropped)
			return a, err
		})
	return all, named(err, "list actions")
}

// SaveActions records actions as they are given, but for those of apps that are not
// there any more.
func (s *Store) SaveActions(ctx context.Context, actions []Action) error {
	if len(actions) == 0 {
		return nil
	}
	err := s.write(ctx, func(tx *sql.Tx) error {
		save, err := tx.PrepareContext(ctx, `INSERT INTO actions (app, micro, id, installed, last, spec, interval, paused, dropped)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 WHERE EXISTS (SELECT 1 FROM apps WHERE name = ?1)
			ON CONFLICT DO UPDATE SET installed = excluded.installed, last = excluded.last, spec = excluded.spec,
			interval = excluded.interval, paused = excluded.paused, dropped = excluded.dropped`)
		if err != nil {
			return err
		}
		defer func() { _ = save.Close() }()
		crowded := map[space.AppName]bool{}
		for _, a := range actions {
			if _, err := save.ExecContext(ctx, a.Key.App, a.Key.Micro, a.Key.ID, milli(a.Installed), milli(a.Last), a.Spec, a.Interval,
				a.Paused, milli(a.Dropped)); err != nil {
				return err
			}
			if !a.Dropped.IsZero() {
				crowded[a.Key.App] = true
			}
		}
		for app := range crowded {
			if err := forget(ctx, tx, app); err != nil {
				return err
			}
		}
		return nil
	})
	return named(err, "record actions")
}

// forget removes what is kept of an app's dropped actions, but for the newest few.
func forget(ctx context.Context, tx *sql.Tx, app space.AppName) error {
	const old = `SELECT micro, id FROM actions WHERE app = ?1 AND dropped > 0 ORDER BY dropped DESC, micro, id LIMIT -1 OFFSET ?2`
	for _, statement := range []string{
		`DELETE FROM runs WHERE app = ?1 AND (micro, action) IN (` + old + `)`,
		`DELETE FROM actions WHERE app = ?1 AND (micro, id) IN (` + old + `)`,
	} {
		if _, err := tx.ExecContext(ctx, statement, app, keptDropped); err != nil {
			return fmt.Errorf("forget dropped actions: %w", err)
		}
	}
	return nil
}

// milli is a time as the database has it, 0 for none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// fromMilli reads it.
func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
