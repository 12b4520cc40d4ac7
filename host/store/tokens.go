package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// MaxTokens bounds the tokens of a server, and the keys of one app.
const MaxTokens = 100

var (
	// ErrExists says that there is a token, or a key of the app, of that name.
	ErrExists = errors.New("exists already")
	// ErrTooMany says that there are [MaxTokens] already.
	ErrTooMany = errors.New("too many")
)

// Hash is the SHA-256 of a token or a key: the value itself is nowhere.
type Hash [sha256.Size]byte

// Token is a token of an owner, beside the one in the file.
type Token struct {
	Name string
	// App is the one app that the token may deploy; "" is an admin's, for all.
	App     space.AppName
	Hash    Hash
	Created time.Time // UTC, to the millisecond
}

// AddToken records a token. It returns [ErrExists] or [ErrTooMany]. The app of a
// deploy token may be one that is yet to come.
func (s *Store) AddToken(ctx context.Context, t Token) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		err := vacant(ctx, tx, `SELECT COALESCE(SUM(name = ?), 0), COUNT(*) FROM tokens`, t.Name)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO tokens (name, hash, app, created) VALUES (?, ?, ?, ?)`,
			t.Name, t.Hash[:], t.App, t.Created.UnixMilli())
		return err
	})
	return named(err, "add the token "+t.Name)
}

// Tokens returns all tokens, by name.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	all, err := list(ctx, s.db, `SELECT name, hash, app, created FROM tokens ORDER BY name`, nil,
		func(scan func(...any) error) (t Token, err error) {
			t.Hash, t.Created, err = scanHashed(func(hash *[]byte, made *int64) error { return scan(&t.Name, hash, &t.App, made) })
			return t, err
		})
	return all, named(err, "list tokens")
}

// RemoveToken deletes a token, or returns [ErrNotFound].
func (s *Store) RemoveToken(ctx context.Context, name string) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		return removed(tx.ExecContext(ctx, `DELETE FROM tokens WHERE name = ?`, name))
	})
	return named(err, "remove the token "+name)
}

// write runs fn in a transaction, which holds the database against other writers
// from its begin.
func (s *Store) write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// vacant asks for how many have the name, and how many there are.
func vacant(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	var same, all int
	switch err := tx.QueryRowContext(ctx, query, args...).Scan(&same, &all); {
	case err != nil:
		return err
	case same > 0:
		return ErrExists
	case all >= MaxTokens:
		return ErrTooMany
	}
	return nil
}

// removed turns the deletion of nothing into [ErrNotFound].
func removed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return cmp.Or(err, ErrNotFound)
	}
	return nil
}

// named says what failed; what callers test for stays as it is.
func named(err error, what string) error {
	if err == nil || errors.Is(err, ErrExists) || errors.Is(err, ErrTooMany) || errors.Is(err, ErrNotFound) {
		return err
	}
	return fmt.Errorf("%s: %w", what, err)
}

// list reads the rows of a query.
func list[T any](ctx context.Context, db *sql.DB, query string, args []any, read func(scan func(...any) error) (T, error)) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		v, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// scanHashed reads what tokens and keys have in common.
func scanHashed(scan func(hash *[]byte, made *int64) error) (Hash, time.Time, error) {
	var hash []byte
	var made int64
	if err := scan(&hash, &made); err != nil {
		return Hash{}, time.Time{}, err
	}
	if len(hash) != sha256.Size {
		return Hash{}, time.Time{}, fmt.Errorf("a hash of %d bytes", len(hash))
	}
	return Hash(hash), time.UnixMilli(made).UTC(), nil
}
