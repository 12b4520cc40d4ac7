package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// Deployment is an app with one of its revisions, which is the one that answers for it
// where nothing else is said.
type Deployment struct {
	App      space.App
	Revision space.Revision
	// Used is when the app was last asked for, as far as [Store.Touch] knows; zero if it
	// never was.
	Used time.Time
	// Variables are what its owner has set, by Micro and name.
	Variables []Variable
	// Env is what somebody with the key has opened of them: values by Micro and name.
	// The store neither knows nor keeps it.
	Env map[string]map[string]string
}

// ErrOvertaken says that an app is not any more what it was when its next
// revision was planned.
var ErrOvertaken = errors.New("the app has changed meanwhile")

// Plan returns what [Store.Activate] would record as the app's next revision, but
// for its Micros. An app that is new has its keys already. Nothing is recorded.
func (s *Store) Plan(ctx context.Context, name space.AppName) (Deployment, error) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	d := Deployment{App: space.App{Name: name, Key: newKey(), APIKey: newKey(), Created: now, Active: 1}}
	row := s.db.QueryRowContext(ctx, `SELECT data_key, api_key, created, settings, heir,
		(SELECT 1 + COALESCE(MAX(number), 0) FROM revisions WHERE app = ?1), `+selectVariables+` FROM apps WHERE name = ?1`, name)
	var made int64
	var variables []byte
	switch err := row.Scan(&d.App.Key, &d.App.APIKey, &made, &d.App.Settings, &d.App.Heir, &d.App.Active, &variables); {
	case err == nil:
		d.App.Created = time.UnixMilli(made).UTC()
		if d.Variables, err = scanVariables(variables); err != nil {
			return Deployment{}, fmt.Errorf("plan a revision of %s: %w", name, err)
		}
	case !errors.Is(err, sql.ErrNoRows):
		return Deployment{}, fmt.Errorf("plan a revision of %s: %w", name, err)
	}
	d.Revision = space.Revision{App: name, Number: d.App.Active, Created: now}
	return d, nil
}

// Activate records a planned revision of an app and makes it the one that answers,
// in one transaction; of the others, only [KeptRevisions] less one stay. If the app is not what it was when that was planned, it
// returns [ErrOvertaken], and nothing has changed.
func (s *Store) Activate(ctx context.Context, planned Deployment) (Deployment, error) {
	return s.ActivateWith(ctx, planned, nil)
}

// ActivateWith is [Store.Activate], and sets variables of the app in the same transaction.
func (s *Store) ActivateWith(ctx context.Context, planned Deployment, set []Variable) (Deployment, error) {
	d, err := s.activate(ctx, planned, set)
	if err != nil {
		return Deployment{}, fmt.Errorf("activate %s: %w", planned.App.Name, err)
	}
	return d, nil
}

func (s *Store) activate(ctx context.Context, planned Deployment, set []Variable) (Deployment, error) {
	app, revision := planned.App, planned.Revision
	document, err := json.Marshal(revision.Micros)
	if err != nil {
		return Deployment{}, err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return Deployment{}, err
	}
	defer func() { _ = tx.Rollback() }()
	if revision.Number == 1 {
		if _, err := tx.ExecContext(ctx,
			`INSERT INTO apps (name, data_key, api_key, created, active, heir)
			 VALUES (?1, ?2, ?3, ?4, 0, EXISTS (SELECT 1 FROM former_apps WHERE name = ?1)) ON CONFLICT DO NOTHING`,
			app.Name, app.Key, app.APIKey, app.Created.UnixMilli()); err != nil {
			return Deployment{}, err
		}
	}
	result, err := tx.ExecContext(ctx,
		`UPDATE apps SET active = ?2 WHERE name = ?1 AND data_key = ?3 AND api_key = ?4 AND settings = ?5
		 AND ?2 = (SELECT 1 + COALESCE(MAX(number), 0) FROM revisions WHERE app = ?1)`,
		app.Name, revision.Number, app.Key, app.APIKey, app.Settings)
	if err != nil {
		return Deployment{}, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return Deployment{}, cmp.Or(err, ErrOvertaken)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO revisions (app, number, created, author, micros) VALUES (?, ?, ?, ?, ?)`,
		app.Name, revision.Number, revision.Created.UnixMilli(), revision.Author, string(document)); err != nil {
		return Deployment{}, err
	}
	if err := retire(ctx, tx, app.Name); err != nil {
		return Deployment{}, err
	}
	if len(set) > 0 {
		if _, err := tx.ExecContext(ctx, `UPDATE apps SET settings = settings + 1 WHERE name = ?`, app.Name); err != nil {
			return Deployment{}, err
		}
		if err := setVariables(ctx, tx, app.Name, set); err != nil {
			return Deployment{}, err
		}
	}
	d, err := scan(tx.QueryRowContext(ctx, selectActive+` WHERE apps.name = ?`, app.Name))
	if err != nil {
		return Deployment{}, err
	}
	return d, tx.Commit()
}

// newKey makes a key "<id>_<secret>" with exactly one underscore, of which the
// secret has 130 bits.
func newKey() string {
	return strings.ToLower(rand.Text()[:12]) + "_" + rand.Text()
}

const (
	selectAll = `SELECT apps.name, apps.data_key, apps.api_key, apps.created, apps.active, apps.settings, apps.heir, apps.used,
	revisions.number, revisions.created, revisions.author, revisions.micros, ` + selectVariables + `
	FROM apps JOIN revisions ON revisions.app = apps.name`
	selectActive = selectAll + ` AND revisions.number = apps.active`
)

func scan(row interface{ Scan(...any) error }) (Deployment, error) {
	var d Deployment
	var made, used, revised int64
	var micros, variables []byte
	err := row.Scan(&d.App.Name, &d.App.Key, &d.App.APIKey, &made, &d.App.Active, &d.App.Settings, &d.App.Heir, &used,
		&d.Revision.Number, &revised, &d.Revision.Author, &micros, &variables)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNotFound
	}
	if err != nil {
		return d, err
	}
	if used > 0 {
		d.Used = time.UnixMilli(used).UTC()
	}
	d.App.Created = time.UnixMilli(made).UTC()
	d.Revision.App, d.Revision.Created = d.App.Name, time.UnixMilli(revised).UTC()
	if err := json.Unmarshal(micros, &d.Revision.Micros); err != nil {
		return d, fmt.Errorf("revision %d of %s: %w", d.Revision.Number, d.App.Name, err)
	}
	d.Variables, err = scanVariables(variables)
	return d, err
}

// Active returns every app with the revision that answers for it, by name.
func (s *Store) Active(ctx context.Context) ([]Deployment, error) {
	all, err := s.deployments(ctx, selectActive+` ORDER BY apps.name`)
	if err != nil {
		return nil, fmt.Errorf("list apps: %w", err)
	}
	return all, nil
}

func (s *Store) deployments(ctx context.Context, query string, args ...any) ([]Deployment, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []Deployment
	for rows.Next() {
		d, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// Remove deletes an app, its revisions, its keys, its domains and the tokens that may
// deploy it only, or returns [ErrNotFound].
func (s *Store) Remove(ctx context.Context, name space.AppName) error {
	err := s.write(ctx, func(tx *sql.Tx) error { return remove(ctx, tx, name) })
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return err
}

func remove(ctx context.Context, tx *sql.Tx, name space.AppName) error {
	if err := partWith(ctx, tx, name, ""); err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, `DELETE FROM apps WHERE name = ?`, name)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, ErrNotFound)
	}
	// Its keys and its domains go with it. A token that may deploy it would deploy another's under its
	// name.
	if _, err := tx.ExecContext(ctx, `DELETE FROM tokens WHERE app = ?`, name); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO former_apps (name, removed) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET removed = excluded.removed`, name, time.Now().UnixMilli())
	return err
}

// Bundles returns the digests of all bundles that some revision needs, with the
// bytes of their files.
func (s *Store) Bundles(ctx context.Context) (map[space.Digest]int64, error) {
	list, err := bundles(ctx, s.db)
	needed := map[space.Digest]int64{}
	for _, b := range list {
		needed[b.Digest] = b.Bytes
	}
	return needed, err
}

// BundlesAfter is [Store.Bundles] as it would be after another revision of the app, for
// which its oldest one may go, without those of the new one.
func (s *Store) BundlesAfter(ctx context.Context, app space.AppName) (map[space.Digest]int64, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT micro.value ->> 'bundle', MAX(COALESCE(micro.value ->> 'bundle_bytes', micro.value ->> 'wasm_bytes'))
		 FROM revisions, json_each(revisions.micros) AS micro
		 WHERE app <> ?1 OR number IN (SELECT number FROM revisions WHERE app = ?1 ORDER BY number DESC LIMIT ?2)
		 GROUP BY 1`, app, KeptRevisions-1)
	if err != nil {
		return nil, fmt.Errorf("list bundles: %w", err)
	}
	defer func() { _ = rows.Close() }()
	needed := map[space.Digest]int64{}
	for rows.Next() {
		var digest space.Digest
		var size int64
		if err := rows.Scan(&digest, &size); err != nil {
			return nil, fmt.Errorf("list bundles: %w", err)
		}
		needed[digest] = size
	}
	return needed, rows.Err()
}

// Bundle is a tree, and one of the revisions that need it.
type Bundle struct {
	Digest   space.Digest
	Bytes    int64 // of its files
	App      space.AppName
	Revision int
}

func bundles(ctx context.Context, db *sql.DB) ([]Bundle, error) {
	rows, err := db.QueryContext(ctx,
		`SELECT micro.value ->> 'bundle', MAX(COALESCE(micro.value ->> 'bundle_bytes', micro.value ->> 'wasm_bytes')), app, number
		 FROM revisions, json_each(revisions.micros) AS micro GROUP BY 1 ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("list bundles: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var all []Bundle
	for rows.Next() {
		var b Bundle
		if err := rows.Scan(&b.Digest, &b.Bytes, &b.App, &b.Revision); err != nil {
			return nil, fmt.Errorf("list bundles: %w", err)
		}
		all = append(all, b)
	}
	return all, rows.Err()
}
