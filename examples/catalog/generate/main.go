// Command generate makes the database of the example: a library that does not exist,
// the same whenever it is made. It does nothing where the file is as it would make it.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
)

// source is this program, by which a database knows that it is out of date: the
// times of files say nothing in a fresh clone.
//
//go:embed *.go *.sql words/*.txt
var source embed.FS

func main() {
	path := flag.String("out", "catalog.db", "the `file` to write")
	books := flag.Int("books", 120_000, "how many books there are")
	flag.Parse()
	if err := run(context.Background(), *path, *books); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string, books int) error {
	if books < 1 {
		return fmt.Errorf("a catalogue has a book at least, not %d", books)
	}
	stamp, err := digest(source)
	if err != nil {
		return err
	}
	if current(ctx, path, stamp, books) {
		return nil
	}
	log.Printf("writing %s: %d books", path, books)
	return build(ctx, path, stamp, books)
}

// current tells whether the file is what would be written.
func current(ctx context.Context, path, stamp string, books int) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return false
	}
	defer db.Close()
	var same bool
	err = db.QueryRowContext(ctx, "SELECT generator = ? AND books = ? FROM made", stamp, books).Scan(&same)
	return err == nil && same
}

func digest(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		fmt.Fprintf(h, "%s %d\n", name, len(text))
		_, _ = h.Write(text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
