package wasi_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi"
)

// A new project gets all sources of the packages, and none of their tests.
func TestSDKIsWhole(t *testing.T) {
	for dir, files := range map[string]fs.FS{"micro": wasi.SDK(), "micro/sqlite": wasi.SDKSQLite()} {
		want, err := filepath.Glob(dir + "/*.go")
		must(t, err)
		for i := range want {
			want[i] = filepath.Base(want[i])
		}
		want = slices.DeleteFunc(want, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
		got, err := fs.Glob(files, "*")
		must(t, err)
		if !slices.Equal(got, want) || len(want) < 5 {
			t.Errorf("%s: a new project gets %v of %v", dir, got, want)
		}
	}
}
