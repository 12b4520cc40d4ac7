// Command sqlguest is the Micro of the tests of SQLite: it asks what it is sent, and
// answers with the rows. GET /lookup and /scan are what the benchmarks measure, over a
// database that is open since the snapshot.
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/spacewasm/spacewasm/wasi/micro"
	"github.com/spacewasm/spacewasm/wasi/micro/sqlite"
	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

func main() {
	http.HandleFunc("POST /{$}", ask)
	if _, err := os.Stat("/words.db"); err == nil {
		if err := measured(); err != nil {
			panic(err)
		}
	}
	micro.Serve(nil)
}

// ask asks what the body says.
func ask(w http.ResponseWriter, r *http.Request) {
	var request sqlitetest.Request
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answers, err := answer(r.Context(), request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answers); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func answer(ctx context.Context, request sqlitetest.Request) ([]sqlitetest.Answer, error) {
	if request.Rows {
		db, err := sqlite.Open(request.Path)
		if err != nil {
			return nil, err
		}
		query := func(text string, args ...any) (sqlitetest.Rows, error) {
			return db.QueryContext(ctx, text, args...)
		}
		return sqlitetest.AskRows(query, request.Queries), db.Close()
	}
	db, err := sql.Open("sqlite", request.Path)
	if err != nil {
		return nil, err
	}
	return sqlitetest.Ask(ctx, db, request.Queries), db.Close()
}

// measured prepares what is measured: words(id integer primary key, word text, n real).
func measured() error {
	db, err := sql.Open("sqlite", "/words.db")
	if err != nil {
		return err
	}
	const text = "select word, n from words where id = ?"
	byID, err := db.Prepare(text)
	if err != nil {
		return err
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	ways := map[string]func(id int64) *sql.Row{
		"":         func(id int64) *sql.Row { return db.QueryRow(text, id) },
		"prepared": func(id int64) *sql.Row { return byID.QueryRow(id) },
		"conn":     func(id int64) *sql.Row { return conn.QueryRowContext(context.Background(), text, id) },
	}
	// times=N looks up N rows, from id=ID on, one after the other, by how=WAY.
	http.HandleFunc("GET /lookup", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.ParseInt(r.FormValue("id"), 10, 64)
		times, _ := strconv.Atoi(r.FormValue("times"))
		look := ways[r.FormValue("how")]
		if look == nil {
			http.Error(w, "there is no such way", http.StatusBadRequest)
			return
		}
		var word string
		var n float64
		for range max(times, 1) {
			if err := look(id).Scan(&word, &n); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			id++
		}
		fmt.Fprintln(w, word, n)
	})
	http.HandleFunc("GET /scan", func(w http.ResponseWriter, r *http.Request) {
		rows, err := db.Query("select id, word, n from words limit ?", r.FormValue("rows"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		count, length, sum := int64(0), 0, 0.0
		for rows.Next() {
			var id int64
			var word string
			var n float64
			if err := rows.Scan(&id, &word, &n); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			count, length, sum = count+1, length+len(word), sum+n
		}
		if err := rows.Err(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, count, length, sum)
	})
	return nil
}
