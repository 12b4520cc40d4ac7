package wasi

import (
	"embed"
	"io/fs"
)

//go:embed micro/answer.go micro/log.go micro/micro.go micro/native.go micro/wasip1.go
var sdk embed.FS

//go:embed micro/sqlite/blob.go micro/sqlite/box.go micro/sqlite/conn.go micro/sqlite/db.go micro/sqlite/direct.go micro/sqlite/driver.go
//go:embed micro/sqlite/errors.go micro/sqlite/native.go micro/sqlite/pooled.go micro/sqlite/reader.go micro/sqlite/row.go micro/sqlite/rows.go
//go:embed micro/sqlite/stmt.go micro/sqlite/value.go micro/sqlite/vfs.go micro/sqlite/wasip1.go
var sdkSQLite embed.FS

//go:embed micro/sqlite/spacewasm_sqlite.h
var headerSQLite embed.FS

// SDK is the source of the guests' package micro, so that a new project can have a copy
// and be built anywhere.
func SDK() fs.FS { return below(sdk, "micro") }

// SDKSQLite is the source of the guests' package micro/sqlite. Natively it needs
// modernc.org/sqlite, which a new project must name in its go.mod.
func SDKSQLite() fs.FS { return below(sdkSQLite, "micro/sqlite") }

// HeaderSQLite is the header by which C programs query databases.
func HeaderSQLite() fs.FS { return below(headerSQLite, "micro/sqlite") }

func below(files fs.FS, path string) fs.FS {
	files, err := fs.Sub(files, path)
	if err != nil {
		panic(err) // the path is good
	}
	return files
}
