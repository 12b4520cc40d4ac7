package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const few = 600

func generated(t *testing.T, path string, books int) []byte {
	t.Helper()
	if err := run(t.Context(), path, books); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The same program makes the same file, so that what a test finds in it stays there.
func TestSameEachTime(t *testing.T) {
	dir := t.TempDir()
	one, two := generated(t, filepath.Join(dir, "one.db"), few), generated(t, filepath.Join(dir, "two.db"), few)
	if !bytes.Equal(one, two) {
		t.Error("two runs have made two databases")
	}
	if other := generated(t, filepath.Join(dir, "three.db"), few+1); bytes.Equal(one, other) {
		t.Error("it does not matter how many books are asked for")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*.new*")); err != nil || len(left) > 0 {
		t.Errorf("drafts are left: %v, %v", left, err)
	}
}

// A file that is as it would be made is left alone; any other is made anew.
func TestOnlyWhereNeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	good := generated(t, path, few)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	generated(t, path, few)
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("a file that was good is another: %v", err)
	}
	for name, spoil := range map[string]func() error{
		"no database":       func() error { return os.WriteFile(path, []byte("no database"), 0o600) },
		"empty":             func() error { return os.Truncate(path, 0) },
		"of fewer books":    func() error { return run(t.Context(), path, few-1) },
		"of another source": func() error { return build(t.Context(), path, "another", few) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(generated(t, path, few), good) {
			t.Errorf("%s: it was not made anew", name)
		}
	}
	if err := run(t.Context(), path, 0); err == nil {
		t.Error("a catalogue without books was made")
	}
}

// What the grammar has written holds together. Each query counts what would be wrong.
func TestBooksHoldTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	generated(t, path, few)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, query := range map[string]string{
		"too few":              `SELECT 600 - count(*) FROM books`,
		"born too late":        `SELECT count(*) FROM books b JOIN authors a ON a.id = b.author WHERE b.year < a.born + 22`,
		"dead too long":        `SELECT count(*) FROM books b JOIN authors a ON a.id = b.author WHERE b.year > a.died + 2`,
		"of the future":        `SELECT count(*) FROM books WHERE year > 2025`,
		"before its subject":   `SELECT count(*) FROM books WHERE subjects ->> 0 = 'Computing' AND year < 1955`,
		"without a subject":    `SELECT count(*) FROM books WHERE json_array_length(subjects) < 1`,
		"a subject twice":      `SELECT count(*) FROM books WHERE json_array_length(subjects) <> (SELECT count(DISTINCT value) FROM json_each(subjects))`,
		"no publisher":         `SELECT count(*) FROM books WHERE coalesce(details ->> 'publisher', '') = ''`,
		"no sentence":          `SELECT count(*) FROM books WHERE description NOT LIKE '%.' OR description GLOB '*[.][.]*' OR description LIKE '%  %'`,
		"a before a vowel":     `SELECT count(*) FROM books WHERE description LIKE '% a a%' AND description LIKE '% a apprentice%' OR title LIKE 'A A%'`,
		"from one to itself":   `SELECT count(*) FROM books WHERE description LIKE 'From Lisbon to Lisbon,%'`,
		"translated by no one": `SELECT count(*) FROM books WHERE details ->> 'translated_from' = language`,
		"not found by itself":  `SELECT count(*) FROM books b WHERE NOT EXISTS (SELECT 1 FROM search WHERE search MATCH 'title : "' || b.title || '"' AND search.rowid = b.id)`,
		"votes of no book":     `SELECT count(*) FROM ratings WHERE book NOT IN (SELECT id FROM books)`,
		"no votes at all":      `SELECT count(*) = 0 FROM ratings`,
		"a journal":            `SELECT journal_mode <> 'delete' FROM pragma_journal_mode`,
		"damaged":              `SELECT quick_check <> 'ok' FROM pragma_quick_check`,
	} {
		var wrong int
		if err := db.QueryRowContext(t.Context(), query).Scan(&wrong); err != nil || wrong != 0 {
			t.Errorf("%s: %d, %v", name, wrong, err)
		}
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO search (search, rank) VALUES ('integrity-check', 1)`); err != nil {
		t.Errorf("the index is not that of the books: %v", err)
	}
}

func TestWordsRefuse(t *testing.T) {
	w := &words{lists: map[string][]string{}}
	for _, add := range []struct {
		to   func(string) error
		line string
	}{
		{w.addSubject, "Q10 | Astronomy"},
		{w.addSubject, "Q10 | | comets"},
		{w.addSubject, "Q10 soon | Astronomy | comets"},
		{w.addCountry, "Portugal | Portuguese | Lisbon"},
		{w.addList, "noun river, garden"},
	} {
		if add.to(add.line) == nil {
			t.Errorf("%q was taken", add.line)
		}
	}
}

// A change anywhere in the source is another digest, and so is one of a name.
func TestDigest(t *testing.T) {
	seen := map[string]string{}
	for _, files := range []string{"a=1 b=2", "a=1 b=3", "a=1 c=2", "a=12", "a=1"} {
		fsys := fstest.MapFS{}
		for file := range strings.FieldsSeq(files) {
			name, text, _ := strings.Cut(file, "=")
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		sum, err := digest(fsys)
		if err != nil || len(sum) != 64 || seen[sum] != "" {
			t.Errorf("%s has the digest %s of %q, %v", files, sum, seen[sum], err)
		}
		seen[sum] = files
	}
}
