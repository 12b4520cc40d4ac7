package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// KeptRevisions is how many revisions of an app stay, the newest ones.
const KeptRevisions = 10

// Revisions returns the kept revisions of an app, the newest first, each with the app
// as it is, or [ErrNotFound].
func (s *Store) Revisions(ctx context.Context, name space.AppName) ([]Deployment, error) {
	all, err := s.deployments(ctx, selectAll+` WHERE apps.name = ? ORDER BY revisions.number DESC`, name)
	if err != nil {
		return nil, fmt.Errorf("list the revisions of %s: %w", name, err)
	}
	if len(all) == 0 {
		return nil, ErrNotFound
	}
	return all, nil
}

// Reactivate makes a kept revision of an app the one that answers. If the app is not
// what it was when [Store.Revisions] gave planned, or has dropped that revision, it
// returns [ErrOvertaken], and nothing has changed.
func (s *Store) Reactivate(ctx context.Context, planned Deployment) error {
	// In a transaction: of a statement alone the driver may say that the context has ended
	// though it has been carried out.
	err := s.write(ctx, func(tx *sql.Tx) error { return reactivate(ctx, tx, planned) })
	if err != nil {
		return fmt.Errorf("activate revision %d of %s: %w", planned.Revision.Number, planned.App.Name, err)
	}
	return nil
}

func reactivate(ctx context.Context, tx *sql.Tx, planned Deployment) error {
	app := planned.App
	result, err := tx.ExecContext(ctx,
		`UPDATE apps SET active = ?2 WHERE name = ?1 AND data_key = ?3 AND api_key = ?4 AND settings = ?5 AND active = ?6
		 AND EXISTS (SELECT 1 FROM revisions WHERE app = ?1 AND number = ?2)`,
		app.Name, planned.Revision.Number, app.Key, app.APIKey, app.Settings, app.Active)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, ErrOvertaken)
	}
	return nil
}

// retire drops the revisions of an app whose newest is the active one, but for the
// newest few. That the newest stays keeps the numbers from being used again.
func retire(ctx context.Context, tx *sql.Tx, name space.AppName) error {
	_, err := tx.ExecContext(ctx,
		`DELETE FROM revisions WHERE app = ?1 AND number NOT IN
		 (SELECT number FROM revisions WHERE app = ?1 ORDER BY number DESC LIMIT ?2)`, name, KeptRevisions)
	return err
}

// Spare returns the digests of the modules of each app's kept revision before the
// active one, by number: what a rollback needs.
func (s *Store) Spare(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT DISTINCT micro.value ->> 'module' FROM apps, revisions, json_each(revisions.micros) AS micro
		 WHERE revisions.app = apps.name AND micro.value ->> 'module' IS NOT NULL AND revisions.number =
		 (SELECT MAX(number) FROM revisions WHERE app = apps.name AND number < apps.active)`)
	if err != nil {
		return nil, fmt.Errorf("list what rollbacks need: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var digests []string
	for rows.Next() {
		var digest string
		if err := rows.Scan(&digest); err != nil {
			return nil, fmt.Errorf("list what rollbacks need: %w", err)
		}
		digests = append(digests, digest)
	}
	return digests, rows.Err()
}

// Touch records when apps were last asked for, where that is later than what it knows.
func (s *Store) Touch(ctx context.Context, used map[space.AppName]time.Time) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("record what was used: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	for name, last := range used {
		if _, err := tx.ExecContext(ctx, `UPDATE apps SET used = MAX(used, ?2) WHERE name = ?1`, name, last.UnixMilli()); err != nil {
			return fmt.Errorf("record that %s was used: %w", name, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("record what was used: %w", err)
	}
	return nil
}
