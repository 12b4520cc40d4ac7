package main

import (
	"errors"
	"net/http"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite"
)

// rows are the same queries without database/sql.
type rows struct {
	db                *sqlite.DB
	byID, page, total *sqlite.Stmt
}

func prepareRows() (r rows, err error) {
	if r.db, err = sqlite.Open("/data.db"); err != nil {
		return r, err
	}
	for text, to := range map[string]**sqlite.Stmt{textByID: &r.byID, textPage: &r.page, textTotal: &r.total} {
		if *to, err = r.db.Prepare(text); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r rows) handle() {
	http.HandleFunc("GET /rows/lookup", handle(func(times, from int, s *sum) error {
		return lookupRows(times, from, s, func(id int) *sqlite.Row { return r.byID.QueryRow(id) })
	}))
	http.HandleFunc("GET /rows/text", handle(func(times, from int, s *sum) error {
		return lookupRows(times, from, s, func(id int) *sqlite.Row { return r.db.QueryRow(textByID, id) })
	}))
	http.HandleFunc("GET /rows/scan", handle(repeated(r.scan)))
	http.HandleFunc("GET /rows/total", handle(repeated(r.totals)))
}

func lookupRows(times, from int, s *sum, one func(id int) *sqlite.Row) error {
	for i := range times {
		row := one(place(from, i))
		s.add(row.Text(0), row.Float64(1), row.Int64(2))
		if err := row.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (r rows) scan(from int, s *sum) error {
	rows, err := r.page.Query(from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		id, name, price, stock := rows.Int64(0), rows.Text(1), rows.Float64(2), rows.Int64(3)
		s.add(name, price, stock+id)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func (r rows) totals(from int, s *sum) error {
	row := r.total.QueryRow(from)
	s.rows, s.value = s.rows+int(row.Int64(0)), s.value+row.Float64(1)
	return row.Err()
}
