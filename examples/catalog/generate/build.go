package main

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed schema.sql
var schema string

//go:embed finish.sql
var finish string

// build makes a database of so many books in a file beside path, and puts it there.
func build(ctx context.Context, path, stamp string, books int) (err error) {
	w, err := loadWords()
	if err != nil {
		return err
	}
	draft := path + ".new"
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(draft)
		}
	}()
	if err := write(ctx, draft, stamp, newMaker(w, books), books); err != nil {
		return fmt.Errorf("write %s: %w", draft, err)
	}
	return os.Rename(draft, path)
}

func write(ctx context.Context, path, stamp string, m *maker, books int) (err error) {
	// It is made anew where it fails, so nothing is kept safe meanwhile.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(off)&_pragma=synchronous(off)&_pragma=cache_size(-65536)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	if err := fill(ctx, db, stamp, m, books); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, finish); err != nil {
		return err
	}
	for _, last := range []string{"ANALYZE", "VACUUM", "PRAGMA journal_mode = DELETE"} {
		if _, err := db.ExecContext(ctx, last); err != nil {
			return fmt.Errorf("%s: %w", last, err)
		}
	}
	return nil
}

// fill writes the rows, in one transaction.
func fill(ctx context.Context, db *sql.DB, stamp string, m *maker, books int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // of no effect behind the commit
	if _, err := tx.ExecContext(ctx, "INSERT INTO made VALUES (?, ?)", stamp, books); err != nil {
		return err
	}
	if err := addAuthors(ctx, tx, m.authors); err != nil {
		return err
	}
	if err := addBooks(ctx, tx, m, books); err != nil {
		return err
	}
	return tx.Commit()
}

func addAuthors(ctx context.Context, tx *sql.Tx, authors []author) error {
	add, err := tx.PrepareContext(ctx, "INSERT INTO authors VALUES (?, ?, ?, ?, nullif(?, 0))")
	if err != nil {
		return err
	}
	defer add.Close()
	for _, a := range authors {
		if _, err := add.ExecContext(ctx, a.id, a.name(), a.country.name, a.born, a.died); err != nil {
			return err
		}
	}
	return nil
}

func addBooks(ctx context.Context, tx *sql.Tx, m *maker, books int) error {
	add, err := tx.PrepareContext(ctx, "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer add.Close()
	// A driver's call costs more than a row, and there are five for each book.
	rate, err := tx.PrepareContext(ctx, "INSERT INTO ratings SELECT ?1, column1, column2 FROM (VALUES (1, ?2), (2, ?3), (3, ?4), (4, ?5), (5, ?6)) WHERE column2 > 0")
	if err != nil {
		return err
	}
	defer rate.Close()
	for id := 1; id <= books; id++ {
		b := m.book(id)
		subjects, details, err := b.json()
		if err != nil {
			return err
		}
		if _, err := add.ExecContext(ctx, id, b.title, b.author, b.year, b.language, subjects, b.pages, b.shelf, b.description, details); err != nil {
			return err
		}
		v := b.votes
		if cmp.Or(v[0], v[1], v[2], v[3], v[4]) == 0 {
			continue
		}
		if _, err := rate.ExecContext(ctx, id, v[0], v[1], v[2], v[3], v[4]); err != nil {
			return err
		}
	}
	return nil
}

// json is what of a book is JSON in the database.
func (b book) json() (subjects, details string, err error) {
	if subjects, err = marshal(b.subjects); err != nil {
		return "", "", err
	}
	details, err = marshal(b.details)
	return subjects, details, err
}

// marshal leaves the & of a publisher as it is.
func marshal(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSpace(b.String()), err
}
