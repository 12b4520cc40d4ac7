package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// What is kept of the runs of an action: so many of the newest, and none of those that
// are older.
const (
	KeptRuns   = 100
	keptRunAge = 90 * 24 * time.Hour
)

// RunChange is a run as it is to be recorded.
type RunChange struct {
	// Run is a new one if it has no ID, and gets one, unless its fire has been recorded
	// already or its app is gone: then nothing may come of it. One that has an ID loses it
	// if it went with its app.
	Run *space.Run
	// AppKey is the key of the app for which the run is: another may have its name.
	AppKey string
	// Prune drops old runs of the action, too.
	Prune bool
}

// insertRun takes no fire that is in the history, or may be one that the history had. A second attempt
// follows a first.
const insertRun = `INSERT INTO runs (app, micro, action, manual, fire, first, attempt, state, due, started, ended, status, fuel, code, request)
	SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15
	WHERE EXISTS (SELECT 1 FROM apps WHERE name = ?1 AND data_key = ?16)
		AND (?4 OR ?7 > 1 OR NOT EXISTS (SELECT 1 FROM actions WHERE app = ?1 AND micro = ?2 AND id = ?3 AND pruned >= ?5))
	ON CONFLICT DO NOTHING`

// RecordRuns records runs in one transaction. A fire that is recorded is accounted for:
// see [Action.Last].
func (s *Store) RecordRuns(ctx context.Context, changes []RunChange) error {
	made := make([]int64, len(changes))
	err := s.write(ctx, func(tx *sql.Tx) error {
		r := recorder{tx: tx}
		defer r.close()
		for i, change := range changes {
			var err error
			if made[i], err = r.record(ctx, change); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return named(err, "record runs")
	}
	for i, change := range changes {
		change.Run.ID = made[i]
	}
	return nil
}

// recorder records runs in a transaction. What it says again and again is prepared once.
type recorder struct {
	tx       *sql.Tx
	prepared map[string]*sql.Stmt
}

func (r *recorder) close() {
	for _, statement := range r.prepared {
		_ = statement.Close() // goes with the transaction
	}
}

func (r *recorder) exec(ctx context.Context, text string, args ...any) (sql.Result, error) {
	statement := r.prepared[text]
	if statement == nil {
		var err error
		if statement, err = r.tx.PrepareContext(ctx, text); err != nil {
			return nil, err
		}
		if r.prepared == nil {
			r.prepared = map[string]*sql.Stmt{}
		}
		r.prepared[text] = statement
	}
	return statement.ExecContext(ctx, args...)
}

// record returns the id of a run, 0 for one that is not there. A number of a row may be
// another app's by now; the id of a request is not.
func (r *recorder) record(ctx context.Context, change RunChange) (id int64, err error) {
	run := change.Run
	if run.ID != 0 {
		result, err := r.exec(ctx, `UPDATE runs SET state = ?2, due = ?3, started = ?4, ended = ?5, status = ?6, fuel = ?7, code = ?8
			WHERE id = ?1 AND request = ?9`, run.ID, run.State, milli(run.Due), milli(run.Started), milli(run.Ended), run.Status, int64(run.Fuel), run.Code, run.Request)
		if err != nil {
			return 0, err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return 0, err
		}
		return run.ID, nil
	}
	k := run.Action
	result, err := r.exec(ctx, insertRun, k.App, k.Micro, k.ID, run.Trigger == space.TriggerManual, milli(run.Fire), milli(run.First), run.Attempt,
		run.State, milli(run.Due), milli(run.Started), milli(run.Ended), run.Status, int64(run.Fuel), run.Code, run.Request, change.AppKey)
	if err != nil {
		return 0, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return 0, err
	}
	if id, err = result.LastInsertId(); err != nil {
		return 0, err
	}
	if run.Trigger == space.TriggerSchedule {
		if _, err := r.exec(ctx, `UPDATE actions SET last = MAX(last, ?4) WHERE app = ?1 AND micro = ?2 AND id = ?3`,
			k.App, k.Micro, k.ID, milli(run.Fire)); err != nil {
			return 0, err
		}
	}
	if change.Prune {
		err = r.prune(ctx, k, run.Fire)
	}
	return id, err
}

// prune drops the runs of an action that are too many or too old, and keeps in mind up to which fire. Fires
// later than the one that is recorded stay, for a clock that was ahead: what it has not come to may run.
func (r *recorder) prune(ctx context.Context, k space.ActionKey, fire time.Time) error {
	const old = `app = ?1 AND micro = ?2 AND action = ?3 AND state NOT IN ('waiting', 'running') AND (manual OR fire <= ?4)
		AND (fire < ?6 OR id <= COALESCE((SELECT id FROM runs WHERE app = ?1 AND micro = ?2 AND action = ?3 ORDER BY id DESC LIMIT 1 OFFSET ?5), 0))`
	for _, statement := range []string{
		`UPDATE actions SET pruned = MAX(pruned, (SELECT COALESCE(MAX(fire), 0) FROM runs WHERE ` + old + ` AND NOT manual))
			WHERE app = ?1 AND micro = ?2 AND id = ?3`,
		`DELETE FROM runs WHERE ` + old,
	} {
		if _, err := r.exec(ctx, statement, k.App, k.Micro, k.ID, milli(fire), KeptRuns, time.Now().Add(-keptRunAge).UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

// RecoverRuns closes the runs that a server which was killed has left open: nobody knows
// how far they came. It returns those that had not begun.
func (s *Store) RecoverRuns(ctx context.Context, now time.Time) ([]space.Run, error) {
	if err := s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, closeInterrupted, space.RunInterrupted, milli(now))
		return err
	}); err != nil {
		return nil, named(err, "close interrupted runs")
	}
	waiting, err := list(ctx, s.db, selectWaiting, nil, scanRun)
	return waiting, named(err, "list runs that wait")
}

// SQLite takes the index of what is open, rather than read all of the history, only where
// its very condition stands in the query.
const (
	closeInterrupted = `UPDATE runs SET state = ?1, ended = ?2 WHERE state IN ('waiting', 'running') AND state = 'running'`
	selectWaiting    = selectRuns + ` WHERE state IN ('waiting', 'running') AND state = 'waiting' ORDER BY fire, attempt`
)

// newestRuns finds the runs in an index, and reads those alone that it returns: visitors
// may ask for them.
const newestRuns = selectRuns + ` WHERE id IN (SELECT id FROM runs WHERE app = ?1 AND (?2 IS NULL OR micro IN (SELECT value FROM json_each(?2)))
	AND ?3 IN ('', action) ORDER BY id DESC LIMIT ?4) ORDER BY id DESC`

const selectRuns = `SELECT id, app, micro, action, manual, fire, first, attempt, state, due, started, ended, status, fuel, code, request FROM runs`

func scanRun(scan func(...any) error) (r space.Run, err error) {
	var manual bool
	var fire, first, due, started, ended, fuel int64
	err = scan(&r.ID, &r.Action.App, &r.Action.Micro, &r.Action.ID, &manual, &fire, &first, &r.Attempt, &r.State, &due, &started, &ended,
		&r.Status, &fuel, &r.Code, &r.Request)
	r.Trigger = space.TriggerSchedule
	if manual {
		r.Trigger = space.TriggerManual
	}
	r.Fire, r.First, r.Due = fromMilli(fire), fromMilli(first), fromMilli(due)
	r.Started, r.Ended, r.Fuel = fromMilli(started), fromMilli(ended), uint64(fuel)
	return r, err
}

// RunQuery says which runs of an app are meant.
type RunQuery struct {
	App space.AppName
	// Micros are nil for all, ID is "" for all.
	Micros []string
	ID     string
	Limit  int
}

// Runs returns runs, the newest first.
func (s *Store) Runs(ctx context.Context, q RunQuery) ([]space.Run, error) {
	var micros any // NULL
	if q.Micros != nil {
		text, err := json.Marshal(q.Micros)
		if err != nil {
			return nil, err
		}
		micros = string(text)
	}
	runs, err := list(ctx, s.db, newestRuns,
		[]any{q.App, micros, q.ID, q.Limit}, scanRun)
	return runs, named(err, "list runs of "+string(q.App))
}

// LastRuns returns the newest run of each action of an app.
func (s *Store) LastRuns(ctx context.Context, app space.AppName) ([]space.Run, error) {
	runs, err := list(ctx, s.db, selectRuns+` WHERE id IN (SELECT MAX(id) FROM runs WHERE app = ? GROUP BY micro, action)`, []any{app}, scanRun)
	return runs, named(err, "list the last runs of "+string(app))
}
