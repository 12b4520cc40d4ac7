package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const (
	rankable = 20_000 // found books that are ranked; that many take a tenth of a second
	sampled  = 5_000  // found books of which the subjects are counted
)

// library asks the database. Its statements are prepared once, for all requests.
type library struct {
	count, countAll, page, hits, facets *sql.Stmt
	book, details, votes, alike         *sql.Stmt
	author, authorBooks, authorSubjects *sql.Stmt
	rankable                            int // found books are ranked up to so many

	Totals              totals
	Subjects, Languages []tally
	Loved               []loved
}

// totals are counted when the Micro is pushed: a bundle does not change.
type totals struct{ Books, Authors, Votes, First, Last int }

// tally is how many books have a name: a subject, a language.
type tally struct {
	Name  string `json:"name"`
	Books int    `json:"books"`
}

// loved is a book that many have liked.
type loved struct {
	ID            int
	Title, Author string
	Year          int
	Stars         float64
	Votes         int
}

// openLibrary prepares all statements, and counts what does not change.
func openLibrary(ctx context.Context, db *sql.DB) (*library, error) {
	l := &library{rankable: rankable}
	for _, s := range []struct {
		into  **sql.Stmt
		query string
	}{
		{&l.count, sqlCount},
		{&l.countAll, sqlCountAll},
		{&l.page, sqlPage},
		{&l.hits, sqlHits},
		{&l.facets, sqlFacets},
		{&l.book, sqlBook},
		{&l.details, sqlDetails},
		{&l.votes, sqlVotes},
		{&l.alike, sqlAlike},
		{&l.author, sqlAuthor},
		{&l.authorBooks, sqlAuthorBooks},
		{&l.authorSubjects, sqlAuthorSubjects},
	} {
		var err error
		if *s.into, err = db.PrepareContext(ctx, s.query); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", strings.TrimSpace(s.query), err)
		}
	}
	if err := l.survey(ctx, db); err != nil {
		return nil, fmt.Errorf("count the books: %w", err)
	}
	return l, nil
}

func (l *library) survey(ctx context.Context, db *sql.DB) error {
	t := &l.Totals
	if err := db.QueryRowContext(ctx, sqlTotals).Scan(&t.Books, &t.Authors, &t.Votes, &t.First, &t.Last); err != nil {
		return err
	}
	for query, into := range map[string]*[]tally{sqlSubjects: &l.Subjects, sqlLanguages: &l.Languages} {
		rows, err := db.QueryContext(ctx, query)
		if *into, err = all(rows, err, func(n *tally) []any { return []any{&n.Name, &n.Books} }); err != nil {
			return err
		}
	}
	rows, err := db.QueryContext(ctx, sqlLoved)
	l.Loved, err = all(rows, err, func(b *loved) []any { return []any{&b.ID, &b.Title, &b.Author, &b.Year, &b.Stars, &b.Votes} })
	return err
}

// result is what a search has found.
type result struct {
	Found     int
	Ranked    bool // the best come first, as was asked
	Hits      []book
	Subjects  []tally
	Languages []tally
	Sampled   int // of how many books these are
}

// book is one of the catalogue. Title, Author and Text have marks where they are what
// was searched for.
type book struct {
	ID                  int
	Title, Author, Text string
	AuthorID, Year      int
	Language            string
	Pages               int
	Shelf               string
	Subjects            names
	Votes               int
	Stars               float64
}

func (b *book) columns() []any {
	return []any{
		&b.ID, &b.Title, &b.Author, &b.Text, &b.AuthorID, &b.Year, &b.Language, &b.Pages, &b.Shelf, &b.Subjects, &b.Votes, &b.Stars,
	}
}

// names is an array of JSON in a column.
type names []string

// Scan implements [sql.Scanner].
func (n *names) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("want an array of names, got %T", value)
	}
	return json.Unmarshal([]byte(text), n)
}

// search finds a page of books, and what they are about.
func (l *library) search(ctx context.Context, q query) (result, error) {
	match := expression(q.words, q.Subject)
	filter := []any{
		sql.Named("match", match), sql.Named("subject", q.Subject), sql.Named("language", q.Language), sql.Named("from", q.From), sql.Named("to", q.To),
	}
	var r result
	var err error
	if r.Found, err = l.found(ctx, q, match, filter); err != nil || r.Found == 0 {
		return r, err
	}
	sort := q.Sort
	r.Ranked = sort != "best" || r.Found <= l.rankable
	if !r.Ranked {
		sort = "shelf"
	}
	limit := append([]any{sql.Named("sort", sort), sql.Named("limit", pageSize), sql.Named("offset", (q.Page-1)*pageSize)}, filter...)
	rows, err := l.page.QueryContext(ctx, limit...)
	ids, err := all(rows, err, func(id *int) []any { return []any{id} })
	if err != nil {
		return r, err
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return r, err
	}
	rows, err = l.hits.QueryContext(ctx, sql.Named("ids", string(list)), sql.Named("match", match))
	if r.Hits, err = all(rows, err, (*book).columns); err != nil {
		return r, err
	}
	return r, l.sample(ctx, &r, filter)
}

func (l *library) found(ctx context.Context, q query, match string, filter []any) (n int, err error) {
	if q.filtered() {
		err = l.count.QueryRowContext(ctx, filter...).Scan(&n)
	} else {
		err = l.countAll.QueryRowContext(ctx, sql.Named("match", match)).Scan(&n)
	}
	return n, err
}

// facet is a row of sqlFacets.
type facet struct {
	kind string
	tally
}

func (l *library) sample(ctx context.Context, r *result, filter []any) error {
	rows, err := l.facets.QueryContext(ctx, append([]any{sql.Named("limit", sampled)}, filter...)...)
	facets, err := all(rows, err, func(f *facet) []any { return []any{&f.kind, &f.Name, &f.Books} })
	for _, f := range facets {
		if f.kind == "subject" {
			r.Subjects = append(r.Subjects, f.tally)
		} else {
			r.Languages = append(r.Languages, f.tally)
		}
	}
	r.Sampled = min(sampled, r.Found)
	return err
}

// all reads the rows of a query, of which err is what came with them.
func all[T any](rows *sql.Rows, err error, columns func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var one T
		if err := rows.Scan(columns(&one)...); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
