// Command catalog is a Micro with a database: a library's catalogue, searched with
// SQLite's full-text index.
package main

import (
	"context"
	"database/sql"
	"log"
	"os"

	"github.com/spacewasm/spacewasm/wasi/micro"
	_ "github.com/spacewasm/spacewasm/wasi/micro/sqlite" // the driver "sqlite"
)

func main() {
	db, err := sql.Open("sqlite", "/catalog.db")
	if err != nil {
		log.Fatal(err)
	}
	// The working directory of a Micro is its bundle. What is prepared and counted here
	// is in the snapshot, from which every request begins.
	library, err := openLibrary(context.Background(), db)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := newHandler(library, os.DirFS("."))
	if err != nil {
		log.Fatal(err)
	}
	micro.Serve(handler)
}
