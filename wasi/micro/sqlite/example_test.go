//go:build !wasip1

package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite"
)

// The books of an author, and one of them.
func ExampleDB() {
	defer inLibrary()()

	// In main, before the snapshot.
	db, err := sqlite.Open("/library.db")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	byAuthor, err := db.Prepare("select id, title, price from books where author = ? order by title")
	if err != nil {
		log.Fatal(err)
	}

	// In a request.
	rows, err := byAuthor.Query("Austen")
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		price := "not for sale"
		if !rows.Null(2) {
			price = fmt.Sprint(rows.Float64(2))
		}
		fmt.Println(rows.Int64(0), rows.Text(1), price)
	}
	if err := rows.Err(); err != nil {
		log.Fatal(err)
	}

	book := db.QueryRow("select title, author from books where id = :id", sql.Named("id", 7))
	if errors.Is(book.Err(), sql.ErrNoRows) {
		fmt.Println("there is no book 7")
	}
	// Output:
	// 1 Emma 9.5
	// 3 Persuasion not for sale
	// there is no book 7
}

// inLibrary makes library.db in a folder that is the working directory until the function
// that it returns is called.
func inLibrary() func() {
	before, err := os.Getwd()
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "library")
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("sqlite", dir+"/library.db?vfs=unix")
	if err == nil {
		_, err = db.Exec(`create table books(id integer primary key, title text, author text, price real);
			insert into books values (1, 'Emma', 'Austen', 9.5), (2, 'Jane Eyre', 'Brontë', 8), (3, 'Persuasion', 'Austen', null)`)
		err = errors.Join(err, db.Close(), os.Chdir(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.Chdir(before), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}
