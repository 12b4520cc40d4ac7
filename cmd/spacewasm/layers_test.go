package main_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/spacewasm/spacewasm/"

// layers lists our packages from the lowest up; a package imports only from the
// lines above its own. What is not listed is not allowed.
const layers = `
host/space host/vault host/pool host/disk host/machine host/door host/behind wasi/internal/binary wasi/internal/memory wasi/internal/fs wasi/internal/child wasi/internal/answer bench/record
host/scribe wasi/internal/preview1 wasi/internal/instrument wasi/internal/sqlite
wasi/internal/cgi wasi/internal/handler
host/telemetry
host/store host/registry host/activity wasi
host/runner host/static host/logs host/reports host/access host/domains host/backup wasi/stock
host/deploy host/gateway host/schedule cmd/spacewasm/project
host/api/wire
host/profile host/coldstart
host/api host/api/client host/console
host
bench
cmd/spacewasm bench/suite
bench/suite/fork
`

// alone lists packages that import nothing of ours, but for the SDK of guests, which
// stands alone itself: the examples, which are guests, and the fixtures of the tests.
const alone = `
wasi/micro wasi/micro/sqlite wasi/micro/sqlite/sqlitetest
examples/hello examples/guestbook examples/thumbnail examples/shop/api examples/catalog examples/catalog/generate examples/digest
wasi/wasitest
cmd/spacewasm/testdata/probe cmd/spacewasm/testdata/sqlguest bench/suite/queries
`

// sdk is what a guest may import of ours.
const sdk = "wasi/micro wasi/micro/sqlite wasi/micro/sqlite/sqlitetest"

// walls lists who may import what is not ours and not Go's: the module, then the
// packages, where a trailing /... means all below.
const walls = `
github.com/tetratelabs/wazero   wasi wasi/internal/... wasi/stock
github.com/minio/sio           wasi host/vault
golang.org/x/net                wasi/internal/answer wasi/internal/cgi wasi/internal/handler
golang.org/x/sys                wasi/internal/... host/store host/disk host/door
github.com/labstack/echo/v4     host/api
github.com/reugn/go-quartz      host/schedule
modernc.org/sqlite              host/store wasi/internal/sqlite wasi/micro/sqlite examples/catalog/generate bench/suite
modernc.org/libc                wasi/internal/sqlite wasi/micro/sqlite
database/sql                    host/store wasi/micro/sqlite wasi/micro/sqlite/sqlitetest cmd/spacewasm/testdata/sqlguest examples/catalog examples/catalog/generate bench/suite bench/suite/queries
github.com/gofrs/flock          host/store
github.com/google/pprof         host/profile
go.yaml.in/yaml/v3              host/space
golang.org/x/sync               host host/deploy cmd/spacewasm
github.com/spf13/cobra          cmd/spacewasm
github.com/spf13/pflag          cmd/spacewasm
github.com/cli/browser          cmd/spacewasm
github.com/joho/godotenv        cmd/spacewasm
github.com/dustin/go-humanize   cmd/spacewasm
github.com/fsnotify/fsnotify    cmd/spacewasm/project
github.com/schollz/progressbar  cmd/spacewasm
golang.org/x/term               cmd/spacewasm
github.com/prometheus           host/telemetry
go.opentelemetry.io             host/telemetry
golang.org/x/perf               bench
golang.org/x/image              cmd/spacewasm/project examples/thumbnail
`

type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

func TestLayers(t *testing.T) {
	height := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(layers), "\n") {
		for name := range strings.FieldsSeq(line) {
			height[name] = i
		}
	}
	lone := strings.Fields(alone)
	packages := listPackages(t)
	if len(packages) < len(height) {
		t.Fatalf("go list found %d packages, the layers name %d", len(packages), len(height))
	}
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, modulePath)
		mine, listed := height[name]
		if !listed && !slices.Contains(lone, name) {
			t.Errorf("%s stands in no layer: give it a place in layers_test.go", name)
		}
		for _, imported := range p.Imports {
			if err := allowed(name, mine, listed, imported, height); err != nil {
				t.Errorf("%s imports %s: %v", name, imported, err)
			}
		}
	}
}

// allowed judges one import.
func allowed(name string, mine int, listed bool, imported string, height map[string]int) error {
	if ours, ok := strings.CutPrefix(imported, modulePath); ok {
		theirs, known := height[ours]
		switch {
		case !listed && slices.Contains(strings.Fields(sdk), ours):
			return nil
		case !listed:
			return errors.New("it stands alone")
		case !known:
			return errors.New("that stands in no layer")
		case theirs >= mine:
			return errors.New("that is not of a lower layer")
		}
		return nil
	}
	for line := range strings.Lines(strings.TrimSpace(walls)) {
		words := strings.Fields(line)
		if imported != words[0] && !strings.HasPrefix(imported, words[0]+"/") {
			continue
		}
		if slices.ContainsFunc(words[1:], func(rule string) bool {
			below, all := strings.CutSuffix(rule, "/...")
			return name == rule || (all && strings.HasPrefix(name, below+"/"))
		}) {
			return nil
		}
		return fmt.Errorf("only %v may", words[1:])
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		return errors.New("the module has no line in the walls")
	}
	return nil
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", modulePath+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages = append(packages, p)
	}
}

// An action's timezone is found also where the system has no database of zones.
func TestZonesAreEmbedded(t *testing.T) {
	for _, p := range listPackages(t) {
		if p.ImportPath == modulePath+"cmd/spacewasm" {
			if !slices.Contains(p.Imports, "time/tzdata") {
				t.Error("the program does not bring time zones: import time/tzdata")
			}
			return
		}
	}
	t.Error("the program is not among the packages")
}

// The rules themselves must be able to say no.
func TestLayersRefuse(t *testing.T) {
	height := map[string]int{"host/space": 0, "host/store": 1, "host/api": 2}
	for _, c := range []struct{ name, imported string }{
		{"host/store", modulePath + "host/api"},
		{"host/store", modulePath + "host/store"},
		{"host/store", modulePath + "host/unknown"},
		{"host/store", "github.com/tetratelabs/wazero"},
		{"host/api", "database/sql"},
		{"host/api", "example.org/unknown"},
	} {
		if allowed(c.name, height[c.name], true, c.imported, height) == nil {
			t.Errorf("%s may import %s", c.name, c.imported)
		}
	}
	if allowed("examples/hello", 0, false, modulePath+"host/space", height) == nil {
		t.Error("an example may import what is ours")
	}
}
