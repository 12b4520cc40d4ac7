package wasi

import (
	"embed"
	"io/fs"
)

//go:embed micro/answer.go micro/log.go micro/micro.go micro/native.go micro/wasip1.go
var sdk embed.FS

// SDK is the source of the guests' package micro, so that a new project can have a copy
// and be built anywhere.
func SDK() fs.FS {
	files, err := fs.Sub(sdk, "micro")
	if err != nil {
		panic(err) // the path is good
	}
	return files
}
