package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// AppKey is a key with which programs come in to an app.
type AppKey struct {
	App     space.AppName
	Name    string
	Hash    Hash
	Created time.Time // UTC, to the millisecond
}

// AddAppKey records a key of an app. It returns [ErrNotFound] if there is no such
// app, [ErrExists] or [ErrTooMany].
func (s *Store) AddAppKey(ctx context.Context, k AppKey) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(ctx, `SELECT name FROM apps WHERE name = ?`, k.App).Scan(new(string)); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return ErrNotFound
			}
			return err
		}
		err := vacant(ctx, tx, `SELECT COALESCE(SUM(name = ?), 0), COUNT(*) FROM app_keys WHERE app = ?`, k.Name, k.App)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO app_keys (app, name, hash, created) VALUES (?, ?, ?, ?)`,
			k.App, k.Name, k.Hash[:], k.Created.UnixMilli())
		return err
	})
	return named(err, "add the key "+k.Name+" of "+string(k.App))
}

// AppKeys returns the keys of an app, "" for those of all apps, by app and name.
func (s *Store) AppKeys(ctx context.Context, app space.AppName) ([]AppKey, error) {
	all, err := list(ctx, s.db, `SELECT app, name, hash, created FROM app_keys WHERE ?1 IN ('', app) ORDER BY app, name`, []any{app},
		func(scan func(...any) error) (k AppKey, err error) {
			k.Hash, k.Created, err = scanHashed(func(hash *[]byte, made *int64) error { return scan(&k.App, &k.Name, hash, made) })
			return k, err
		})
	return all, named(err, "list keys")
}

// RemoveAppKey deletes a key of an app, or returns [ErrNotFound].
func (s *Store) RemoveAppKey(ctx context.Context, app space.AppName, name string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		return removed(tx.ExecContext(ctx, `DELETE FROM app_keys WHERE app = ? AND name = ?`, app, name))
	})
	return named(err, "remove the key "+name+" of "+string(app))
}
