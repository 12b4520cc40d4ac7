// Command queries is what the suite asks SQLite: as a Micro of the host's, and natively of
// modernc.org/sqlite, with the same source; through database/sql, and below /rows without. The database /data.db has the table
// items(id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER, …).
//
// The context is one without an end, for which database/sql starts no goroutine.
//
// It answers with the nanoseconds that it took, the number of rows, and what they add up to.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/spacewasm/spacewasm/wasi/micro"
	_ "github.com/spacewasm/spacewasm/wasi/micro/sqlite"
)

// queries are compiled when the snapshot is taken, but for those by their text.
type queries struct {
	db                *sql.DB
	byID, page, total *sql.Stmt
}

const (
	textByID  = "SELECT name, price, stock FROM items WHERE id = ?"
	textPage  = "SELECT id, name, price, stock FROM items WHERE id >= ? LIMIT 10000"
	textTotal = "SELECT count(*), sum(length(name) + price + stock + id) FROM (SELECT * FROM items WHERE id >= ? LIMIT 10000)"
)

func main() {
	q, err := prepare()
	if err != nil {
		log.Fatal(err)
	}
	q.handle()
	r, err := prepareRows()
	if err != nil {
		log.Fatal(err)
	}
	r.handle()
	micro.Serve(nil)
}

func (q queries) handle() {
	http.HandleFunc("GET /lookup", handle(func(times, from int, s *sum) error {
		return lookup(times, from, s, func(id int) *sql.Row { return q.byID.QueryRowContext(context.Background(), id) })
	}))
	http.HandleFunc("GET /text", handle(func(times, from int, s *sum) error {
		return lookup(times, from, s, func(id int) *sql.Row { return q.db.QueryRowContext(context.Background(), textByID, id) })
	}))
	http.HandleFunc("GET /scan", handle(repeated(q.scan)))
	http.HandleFunc("GET /total", handle(repeated(q.totals)))
}

func prepare() (q queries, err error) {
	if q.db, err = sql.Open("sqlite", "/data.db"); err != nil {
		return q, err
	}
	for text, to := range map[string]**sql.Stmt{textByID: &q.byID, textPage: &q.page, textTotal: &q.total} {
		if *to, err = q.db.PrepareContext(context.Background(), text); err != nil {
			return q, err
		}
	}
	return q, nil
}

// sum is what rows add up to.
type sum struct {
	rows  int
	value float64
}

func (s *sum) add(name string, price float64, stock int64) {
	s.rows++
	s.value += float64(len(name)) + price + float64(stock)
}

// lookup looks rows up, far from each other: so many from a place on.
func lookup(times, from int, s *sum, one func(id int) *sql.Row) error {
	for i := range times {
		var name string
		var price float64
		var stock int64
		if err := one(place(from, i)).Scan(&name, &price, &stock); err != nil {
			return err
		}
		s.add(name, price, stock)
	}
	return nil
}

// place is the key of the row that is looked up then.
func place(from, i int) int {
	const far, most = 7919, 100_000
	return (from+i*far)%most + 1
}

// scan reads 10,000 rows from a place on.
func (q queries) scan(from int, s *sum) error {
	rows, err := q.page.QueryContext(context.Background(), from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, stock int64
		var name string
		var price float64
		if err := rows.Scan(&id, &name, &price, &stock); err != nil {
			return err
		}
		s.add(name, price, stock+id)
	}
	return errors.Join(rows.Err(), rows.Close())
}

// totals has SQLite add 10,000 rows up.
func (q queries) totals(from int, s *sum) error {
	var rows int
	var value float64
	if err := q.total.QueryRowContext(context.Background(), from).Scan(&rows, &value); err != nil {
		return err
	}
	s.rows, s.value = s.rows+rows, s.value+value
	return nil
}

// repeated has a query run so many times.
func repeated(run func(from int, s *sum) error) func(times, from int, s *sum) error {
	return func(times, from int, s *sum) error {
		for range times {
			if err := run(from, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// handle has a query run ?times=N, ?from=K.
func handle(run func(times, from int, s *sum) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		times, _ := strconv.Atoi(r.FormValue("times"))
		from, _ := strconv.Atoi(r.FormValue("from"))
		var s sum
		began := time.Now()
		if err := run(times, from, &s); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%d %d %.3f\n", time.Since(began), s.rows, s.value)
	}
}
