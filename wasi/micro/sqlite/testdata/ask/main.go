// Command ask asks a database what standard input says, and writes the answers.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite"
	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	var request sqlitetest.Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return err
	}
	if request.Rows {
		return byRows(request)
	}
	db, err := sql.Open("sqlite", request.Path)
	if err != nil {
		return err
	}
	answers := sqlitetest.Ask(context.Background(), db, request.Queries)
	blob, err := blob(db)
	if err != nil {
		return err
	}
	answers = append(answers, sqlitetest.Answer{Columns: []string{blob}})
	return errors.Join(json.NewEncoder(os.Stdout).Encode(answers), db.Close())
}

// byRows asks without database/sql.
func byRows(request sqlitetest.Request) error {
	db, err := sqlite.Open(request.Path)
	if err != nil {
		return err
	}
	query := func(text string, args ...any) (sqlitetest.Rows, error) { return db.Query(text, args...) }
	answers := sqlitetest.AskRows(query, request.Queries)
	return errors.Join(json.NewEncoder(os.Stdout).Encode(answers), db.Close())
}

// blob reads what is in the middle of a blob.
func blob(db *sql.DB) (string, error) {
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	b, err := sqlite.OpenBlob(ctx, conn, "longs", "t", 1)
	if err != nil {
		return "", err
	}
	defer b.Close()
	if _, err := b.Seek(-10, io.SeekEnd); err != nil {
		return "", err
	}
	text, err := io.ReadAll(b)
	return string(text), err
}
