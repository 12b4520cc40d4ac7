//go:build !wasip1

package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"

	"modernc.org/sqlite"
)

// Error is an error of SQLite's, with its code, which may be an extended one.
type Error = sqlite.Error

// chunkBlob is a blob that is read by queries.
type chunkBlob struct {
	conn  *sql.Conn
	query string
	rowid int64
}

func openBlob(ctx context.Context, c *sql.Conn, table, column string, rowid int64) (blobSource, int64, error) {
	// What is in double quotes could be a text.
	name := func(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }
	from := fmt.Sprintf(" from %s where rowid = ?", name(table))
	var kind string
	var size int64
	rows, err := c.QueryContext(ctx, fmt.Sprintf("select typeof(%[1]s), coalesce(length(cast(%[1]s as blob)), 0)", name(column))+from, rowid)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, 0, err
		}
		return nil, 0, fmt.Errorf("SQL logic error: no such rowid: %d (1)", rowid)
	}
	if err := rows.Scan(&kind, &size); err != nil {
		return nil, 0, err
	}
	if kind != "blob" && kind != "text" {
		return nil, 0, fmt.Errorf("SQL logic error: cannot open value of type %s (1)", kind)
	}
	return &chunkBlob{c, fmt.Sprintf("select substr(cast(%s as blob), ?2, ?3)", name(column)) + strings.Replace(from, "?", "?1", 1), rowid}, size, rows.Close()
}

func (b *chunkBlob) read(ctx context.Context, p []byte, offset int64) error {
	var chunk []byte
	if err := b.conn.QueryRowContext(ctx, b.query, b.rowid, offset+1, len(p)).Scan(&chunk); err != nil {
		return err
	}
	if copy(p, chunk) < len(p) {
		return fmt.Errorf("sqlite: read a blob at %d: it has become shorter", offset)
	}
	return nil
}

func (b *chunkBlob) close() error { return nil }

func load32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func load64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
