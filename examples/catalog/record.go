package main

import (
	"context"
	"database/sql"
)

const (
	authorPage    = 50 // books of an author on a page
	maxAuthorPage = 100
)

// record is all that is known of a book.
type record struct {
	book
	Raw     string // its details, as JSON
	Details []detail
	Ratings []rating
	Alike   []entry
}

// detail is a member of a book's JSON.
type detail struct{ Name, Value string }

// rating is how many have given so many stars.
type rating struct {
	Stars int `json:"stars"`
	Votes int `json:"votes"`
}

// entry is a line of a list of books.
type entry struct {
	ID    int
	Title string
	Year  int
}

func (e *entry) columns() []any { return []any{&e.ID, &e.Title, &e.Year} }

// record reads a book; [sql.ErrNoRows] where there is none.
func (l *library) record(ctx context.Context, id int) (record, error) {
	var r record
	wanted := sql.Named("id", id)
	if err := l.book.QueryRowContext(ctx, wanted).Scan(append(r.columns(), &r.Raw)...); err != nil {
		return r, err
	}
	rows, err := l.details.QueryContext(ctx, wanted)
	if r.Details, err = all(rows, err, func(d *detail) []any { return []any{&d.Name, &d.Value} }); err != nil {
		return r, err
	}
	rows, err = l.votes.QueryContext(ctx, wanted)
	if r.Ratings, err = all(rows, err, func(v *rating) []any { return []any{&v.Stars, &v.Votes} }); err != nil {
		return r, err
	}
	if len(r.Subjects) == 0 {
		return r, nil
	}
	first := r.Subjects[0]
	rows, err = l.alike.QueryContext(ctx, wanted, sql.Named("match", expression(nil, first)), sql.Named("subject", first), sql.Named("year", r.Year))
	r.Alike, err = all(rows, err, (*entry).columns)
	return r, err
}

// person is an author with a page of the books.
type person struct {
	ID            int
	Name, Country string
	Born, Died    int // Died is 0 of those who live
	Count         int
	Books         []entry
	Subjects      []tally
}

// person reads an author; [sql.ErrNoRows] where there is none.
func (l *library) person(ctx context.Context, id, page int) (person, error) {
	var p person
	wanted := sql.Named("id", id)
	if err := l.author.QueryRowContext(ctx, wanted).Scan(&p.ID, &p.Name, &p.Country, &p.Born, &p.Died, &p.Count); err != nil {
		return p, err
	}
	rows, err := l.authorBooks.QueryContext(ctx, wanted, sql.Named("limit", authorPage), sql.Named("offset", (page-1)*authorPage))
	if p.Books, err = all(rows, err, (*entry).columns); err != nil {
		return p, err
	}
	rows, err = l.authorSubjects.QueryContext(ctx, wanted)
	p.Subjects, err = all(rows, err, func(n *tally) []any { return []any{&n.Name, &n.Books} })
	return p, err
}
