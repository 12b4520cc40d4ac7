package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// keptCopies is how many copies of older schemas stay.
const keptCopies = 3

// migrate brings the schema to the newest version, in one transaction, so that a
// crash leaves the old one or the new one. PRAGMA user_version counts the
// migrations that have been applied, in the order of their names. A database that
// holds something is copied before.
func migrate(ctx context.Context, db *sql.DB, path string, files fs.FS) error {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return err
	}
	version, err := schema(ctx, db, len(names))
	if err != nil {
		return err
	}
	if version == len(names) {
		return nil
	}
	if version > 0 {
		if err := copyAside(ctx, db, path, version); err != nil {
			return fmt.Errorf("copy the database before migrating it: %w", err)
		}
	}
	if err := apply(ctx, db, files, names, version); err != nil {
		return fmt.Errorf("migrate from schema version %d to %d: %w", version, len(names), err)
	}
	return nil
}

// schema returns how many migrations the database has seen, of those that there are.
func schema(ctx context.Context, db *sql.DB, known int) (int, error) {
	var version int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if version > known {
		return 0, fmt.Errorf("schema version %d is newer than this spacewasm knows (%d): upgrade the program, or restore an older data directory",
			version, known)
	}
	return version, nil
}

func apply(ctx context.Context, db *sql.DB, files fs.FS, names []string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, name := range names[version:] {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(names))); err != nil {
		return err
	}
	return tx.Commit()
}

// copyAside writes what the database holds to PATH.vVERSION, whole or not at all,
// and drops the oldest of many such copies.
func copyAside(ctx context.Context, db *sql.DB, path string, version int) error {
	// VACUUM INTO wants a file that is not there, or empty; a crash leaves it for the
	// next attempt.
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makePrivate(part); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, copyName(path, version)); err != nil {
		return err
	}
	return errors.Join(syncFile(filepath.Dir(path)), dropCopies(path))
}

// dropCopies removes all copies but the newest few.
func dropCopies(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	prefix := filepath.Base(path) + ".v"
	var versions []int
	for _, entry := range entries {
		text, ours := strings.CutPrefix(entry.Name(), prefix)
		if version, err := strconv.Atoi(text); ours && err == nil {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	var errs []error
	for _, version := range versions[:max(0, len(versions)-keptCopies)] {
		errs = append(errs, os.Remove(copyName(path, version)))
	}
	return errors.Join(errs...)
}

func copyName(path string, version int) string { return fmt.Sprintf("%s.v%d", path, version) }
