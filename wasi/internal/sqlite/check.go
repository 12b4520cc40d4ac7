package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
)

// Database is what a file says about itself.
type Database struct {
	// Name is that of the file, in the bundle.
	Name     string  `json:"name"`
	Bytes    int64   `json:"bytes"`
	PageSize int     `json:"page_size"`
	Tables   []Table `json:"tables,omitempty"`
	// More is how many tables there are beside Tables.
	More int `json:"more,omitempty"`
	// Fault says why guests cannot use it, and what mends it; "" if they can.
	Fault string `json:"fault,omitempty"`
}

// Table is a table of a [Database].
type Table struct {
	Name string `json:"name"`
	// Rows is their number, -1 where counting them would have taken too long.
	Rows int64 `json:"rows"`
}

const (
	headerSize = 100
	magic      = "SQLite format 3\x00"
	// journalMagic begins a rollback journal that has something in it.
	journalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"

	maxObjects = 2000    // tables, indices, views and triggers
	maxSchema  = 1 << 20 // bytes of their definitions
	maxTables  = 50      // that are listed
)

// IsDatabase tells whether a file with this beginning is a database.
func IsDatabase(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }

// MagicBytes is how much of a file IsDatabase wants to see.
const MagicBytes = len(magic)

// Check looks whether guests can use a database of a folder, and what is in it. Counting
// its rows ends after so long; looking for damage ends with the context, whose error is
// returned then, as is that of a folder that cannot be read.
func Check(ctx context.Context, dir *fs.Dir, name string, counting time.Duration) (Database, error) {
	d := Database{Name: name}
	if err := d.look(dir); err != nil || d.Fault != "" {
		return d, err
	}
	const longestValue = 1 << 30
	pool := NewPool(Config{Bundle: dir, MaxValue: longestValue})
	defer pool.Close()
	c, err := pool.lease(ctx, name)
	if err == nil {
		defer pool.give(c)
		sqlite3.Xsqlite3_set_authorizer(c.tls, c.db, 0, 0)
		err = d.check(ctx, c, counting)
	}
	if ctx.Err() != nil {
		return d, ctx.Err()
	}
	if err != nil {
		d.damaged(err.Error())
	}
	return d, nil
}

func (d *Database) damaged(how string) {
	d.Fault = fmt.Sprintf("the database is damaged: %s; mend it with: sqlite3 %s .recover | sqlite3 new.db", how, d.Name)
}

// look reads the header, and looks for what was left of a change beside the file.
func (d *Database) look(dir *fs.Dir) error {
	head, size, err := beginning(dir, d.Name, headerSize)
	if err != nil {
		return err
	}
	d.Bytes = size
	if len(head) < headerSize || !IsDatabase(head) {
		d.damaged("it ends within its header")
		return nil
	}
	d.PageSize = int(binary.BigEndian.Uint16(head[16:]))
	if d.PageSize == 1 {
		d.PageSize = 1 << 16
	}
	_, log, err := beginning(dir, d.Name+"-wal", 0)
	if err != nil {
		return err
	}
	journal, _, err := beginning(dir, d.Name+"-journal", len(journalMagic))
	if err != nil {
		return err
	}
	switch {
	case log > 0:
		d.Fault = fmt.Sprintf("a part of the database is in %s-wal, which is not read: write it back with: sqlite3 %s 'PRAGMA journal_mode = DELETE'", d.Name, d.Name)
	case string(journal) == journalMagic:
		d.Fault = fmt.Sprintf("%s-journal says that a change of the database was not finished: take it back with: sqlite3 %s 'PRAGMA journal_mode = DELETE; SELECT count(*) FROM sqlite_schema'", d.Name, d.Name)
	}
	return nil
}

// beginning reads the first n bytes of a file, or what there is; nothing of a file that is
// not there.
func beginning(dir *fs.Dir, name string, n int) (head []byte, size int64, err error) {
	f, err := dir.OpenFile(name, 0, 0)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	head = make([]byte, n)
	got, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, fmt.Errorf("read %s: %w", name, err)
	}
	return head[:got], info.Size(), nil
}

// check looks at the whole file, and then at what it holds.
func (d *Database) check(ctx context.Context, c *connection, counting time.Duration) error {
	objects, err := c.numbers(ctx, "SELECT count(*), coalesce(sum(length(sql)), 0) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if objects[0] > maxObjects || objects[1] > maxSchema {
		d.Fault = fmt.Sprintf("the schema has %d tables, indices, views and triggers in %d bytes, and may have %d in %d", objects[0], objects[1], maxObjects, maxSchema)
		return nil
	}
	rows, err := c.texts(ctx, "PRAGMA quick_check(3)")
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0] != "ok" {
		for i := range rows {
			rows[i] = rows[i][:min(len(rows[i]), 200)]
		}
		d.damaged(fmt.Sprintf("%q", rows))
		return nil
	}
	return d.count(ctx, c, counting)
}

// count lists the tables with their rows. What stores a virtual table is not listed.
func (d *Database) count(ctx context.Context, c *connection, counting time.Duration) error {
	tables, err := c.texts(ctx, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name <> 'sqlite_schema' ORDER BY name")
	if err != nil {
		return err
	}
	if len(tables) > maxTables {
		d.More, tables = len(tables)-maxTables, tables[:maxTables]
	}
	soon, cancel := context.WithTimeout(ctx, counting)
	defer cancel()
	for _, name := range tables {
		t := Table{Name: shortened(name), Rows: -1}
		rows, err := c.numbers(soon, "SELECT count(*) FROM "+quote(name))
		if err == nil {
			t.Rows = rows[0]
		} else if soon.Err() == nil {
			return fmt.Errorf("count the rows of %s: %w", shortened(name), err)
		}
		d.Tables = append(d.Tables, t)
	}
	return nil
}

// shortened is a name as it is listed: it may have a megabyte.
func shortened(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

func quote(name string) string {
	return `"` + string(bytes.ReplaceAll([]byte(name), []byte(`"`), []byte(`""`))) + `"`
}

// numbers are those of the only row of a query.
func (c *connection) numbers(ctx context.Context, sql string) (numbers []int64, err error) {
	err = c.each(ctx, sql, func(s *statement) {
		for i := range sqlite3.Xsqlite3_column_count(c.tls, s.stmt) {
			numbers = append(numbers, sqlite3.Xsqlite3_column_int64(c.tls, s.stmt, i))
		}
	})
	return numbers, err
}

// texts are those of the first column of a query.
func (c *connection) texts(ctx context.Context, sql string) (texts []string, err error) {
	err = c.each(ctx, sql, func(s *statement) { texts = append(texts, string(s.bytes(0))) })
	return texts, err
}

// each runs a query of ours, and hands the rows over.
func (c *connection) each(ctx context.Context, sql string, row func(*statement)) (err error) {
	defer c.enter(ctx, nil)(&err)
	s, _, err := c.compile(sql)
	if err != nil {
		return err
	}
	defer s.free()
	for {
		switch rc := sqlite3.Xsqlite3_step(c.tls, s.stmt); rc {
		case sqlite3.SQLITE_ROW:
			row(s)
		case sqlite3.SQLITE_DONE:
			return nil
		default:
			return c.fault(rc)
		}
	}
}
