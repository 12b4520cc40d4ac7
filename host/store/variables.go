package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Variable is a variable that an app's owner has set. The store knows its value only
// sealed.
type Variable struct {
	Micro   string // "" for all Micros of the app
	Name    string
	Sealed  []byte
	Changed time.Time
}

// Change is a change of an app's variables.
type Change struct {
	Set []Variable
	// Unset names what is removed; nothing else of it counts.
	Unset []Variable
}

// selectVariables is a column with all variables of an app: of one statement, so that
// they are those of the count that it reads with them.
const selectVariables = `(SELECT json_group_array(json_object('micro', micro, 'name', name, 'sealed', hex(sealed), 'changed', changed)
	ORDER BY micro, name) FROM variables WHERE variables.app = apps.name)`

// scanVariables reads selectVariables.
func scanVariables(column []byte) ([]Variable, error) {
	var rows []struct {
		Micro, Name, Sealed string
		Changed             int64
	}
	if err := json.Unmarshal(column, &rows); err != nil {
		return nil, fmt.Errorf("read variables: %w", err)
	}
	var all []Variable
	for _, row := range rows {
		sealed, err := hex.DecodeString(row.Sealed)
		if err != nil {
			return nil, fmt.Errorf("read variables: %w", err)
		}
		all = append(all, Variable{Micro: row.Micro, Name: row.Name, Sealed: sealed, Changed: time.UnixMilli(row.Changed).UTC()})
	}
	return all, nil
}

// Current returns an app with the revision that answers for it, or [ErrNotFound].
func (s *Store) Current(ctx context.Context, name space.AppName) (Deployment, error) {
	return scan(s.db.QueryRowContext(ctx, selectActive+` WHERE apps.name = ?`, name))
}

// Change changes the variables of an app, and counts that in its settings, in one
// transaction. If the app is not any more what it was, it returns [ErrOvertaken], and
// nothing has changed.
func (s *Store) Change(ctx context.Context, was Deployment, change Change) error {
	if err := s.change(ctx, was.App, change); err != nil {
		return fmt.Errorf("change the variables of %s: %w", was.App.Name, err)
	}
	return nil
}

func (s *Store) change(ctx context.Context, app space.App, change Change) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	result, err := tx.ExecContext(ctx,
		`UPDATE apps SET settings = settings + 1 WHERE name = ? AND data_key = ? AND api_key = ? AND settings = ? AND active = ?`,
		app.Name, app.Key, app.APIKey, app.Settings, app.Active)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, ErrOvertaken)
	}
	for _, v := range change.Unset {
		if _, err := tx.ExecContext(ctx, `DELETE FROM variables WHERE app = ? AND micro = ? AND name = ?`, app.Name, v.Micro, v.Name); err != nil {
			return err
		}
	}
	if err := setVariables(ctx, tx, app.Name, change.Set); err != nil {
		return err
	}
	return tx.Commit()
}

func setVariables(ctx context.Context, tx *sql.Tx, app space.AppName, set []Variable) error {
	for _, v := range set {
		if _, err := tx.ExecContext(ctx, `INSERT INTO variables (app, micro, name, sealed, changed) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET sealed = excluded.sealed, changed = excluded.changed`,
			app, v.Micro, v.Name, v.Sealed, v.Changed.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
