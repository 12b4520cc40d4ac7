package main

import (
	"archive/zip"
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // which makes the databases
)

// querier is one that asks SQLite. All have the same database, and answer what their
// queries took, so that nothing of HTTP is in it.
type querier struct {
	name, what    string
	address, host string
	below         string // of its paths
}

const (
	queryNative = "native Go, through `database/sql`"
	queryPooled = "native Go, by rows"
	queryOurs   = "a Micro in Go, through `database/sql`"
	queryRows   = "a Micro in Go, by rows"
	queryC      = "a Micro in C, of the host's SQLite"
	queryOwn    = "a Micro in C, of a SQLite of its own"
)

// workload is what a querier is asked for at a time.
type workload struct {
	name, path string
	each       int // how many are measured together
}

const (
	lookups = "a row by its key, prepared"
	texts   = "a row by its key, by text"
	scans   = "10,000 rows, read"
	totals  = "10,000 rows, added up"
)

func workloads() []workload {
	return []workload{
		{lookups, "/lookup?times=3000", 3000}, {texts, "/text?times=3000", 3000}, {scans, "/scan?times=5", 5}, {totals, "/total?times=20", 20},
	}
}

// sqliteReport is what was measured of SQLite.
type sqliteReport struct {
	queriers []querier
	times    map[string]map[string][]time.Duration // by querier and workload, for each round
	crowds   []crowd
	versions string // of SQLite
}

// sqlite measures the host's SQLite against that of the machine and that of a guest.
func (s settings) sqlite(ctx context.Context, dir string, r *report) (err error) {
	if s.only != "" && s.only != onlySQLite {
		return nil
	}
	n, err := s.sqliteNode(ctx, filepath.Join(dir, "sqlite"))
	if n != nil {
		defer func() { err = errors.Join(err, stop(n.cmd)) }()
	}
	if err != nil {
		return err
	}
	native, err := s.startQueries(ctx, n.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop(native)) }()
	result := &sqliteReport{times: map[string]map[string][]time.Duration{}, queriers: []querier{
		{queryNative, "by modernc.org/sqlite, the same source as that of the Micros in Go, compiled for this machine", "127.0.0.1:" + portOf(native), "", ""},
		{queryPooled, "the same with `sqlite.DB`, which natively is `database/sql` again", "127.0.0.1:" + portOf(native), "", "/rows"},
		{queryOurs, "bench/suite/queries on `wasi/micro/sqlite`, in `spacewasm serve`", n.address, "queries.localhost", ""},
		{queryRows, "the same with `sqlite.DB` in place of `database/sql`", n.address, "queries.localhost", "/rows"},
		{queryC, "bench/suite/hostsqlite, the same queries by the functions of the ABI", n.address, "c.localhost", ""},
		{queryOwn, "cmd/spacewasm/testdata/ownsqlite: SQLite's C, by clang with -O2, which reads the file by WASI", n.address, "own.localhost", ""},
	}}
	if result.versions, err = sqliteVersions(ctx, n.address); err != nil {
		return err
	}
	if err := s.queryRounds(ctx, result); err != nil {
		return err
	}
	if err := s.crowds(ctx, n, result); err != nil {
		return err
	}
	r.sqlite = result
	return nil
}

// queryRounds asks all in turns. The first round is not counted.
func (s settings) queryRounds(ctx context.Context, r *sqliteReport) error {
	const perRound = 7
	for round := range perRound*s.rounds + 1 {
		for _, w := range workloads() {
			want := ""
			for _, q := range r.queriers {
				if !q.has(w) {
					continue
				}
				took, sum, err := q.ask(ctx, q.below+w.path)
				if err != nil {
					return fmt.Errorf("%s: %w", q.name, err)
				}
				if want == "" {
					want = sum
				}
				if sum != want {
					return fmt.Errorf("%s: %s gives %q, and natively %q", q.name, w.path, sum, want)
				}
				if r.times[q.name] == nil {
					r.times[q.name] = map[string][]time.Duration{}
				}
				if round > 0 {
					r.times[q.name][w.name] = append(r.times[q.name][w.name], took/time.Duration(w.each))
				}
			}
		}
	}
	for _, q := range r.queriers {
		for _, w := range workloads() {
			say("%-40s %-22s %v", q.name, w.name, r.typical(q.name, w.name))
		}
	}
	return nil
}

// errTurnedAway is an answer of a server that has no place left.
var errTurnedAway = errors.New("the server is busy")

// has tells whether it is asked for that: in C there is no query that is not prepared.
func (q querier) has(w workload) bool {
	return w.name != texts || (q.name != queryC && q.name != queryOwn)
}

// ask returns what a query took by the querier's own clock, and what its rows add up to.
func (q querier) ask(ctx context.Context, path string) (took time.Duration, sum string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+q.address+path, nil)
	if err != nil {
		return 0, "", err
	}
	r.Host = q.host
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return 0, "", err
	}
	if resp.StatusCode == http.StatusServiceUnavailable {
		return 0, "", errTurnedAway
	}
	first, sum, ok := strings.Cut(string(text), " ")
	if _, err := fmt.Sscan(first, (*int64)(&took)); resp.StatusCode != http.StatusOK || !ok || err != nil {
		return 0, "", fmt.Errorf("%s: %d %s", path, resp.StatusCode, text)
	}
	return took, sum, nil
}

// typical is the median of the rounds.
func (r *sqliteReport) typical(name, work string) time.Duration {
	all := slices.Sorted(slices.Values(r.times[name][work]))
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// ratio is how many times longer one takes than another: the median over the rounds.
func (r *sqliteReport) ratio(name, other, work string) float64 {
	var ratios []float64
	others := r.times[other][work]
	for i, took := range r.times[name][work] {
		if i < len(others) && others[i] > 0 {
			ratios = append(ratios, float64(took)/float64(others[i]))
		}
	}
	if len(ratios) == 0 {
		return 0
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// sqliteNode starts a server with the Micros and their databases.
func (s settings) sqliteNode(ctx context.Context, dir string) (*node, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	n := &node{s: s, dir: dir, address: address, sleep: never, deeper: never}
	if err := n.begin(ctx); err != nil {
		return n, err
	}
	const padding, count = 2000, 100_000 // 200 MB
	for file, pad := range map[string]int{"data.db": 0, "large.db": padding} {
		say("making %s", file)
		if err := makeItems(ctx, filepath.Join(dir, file), count, pad); err != nil {
			return n, err
		}
	}
	return n, s.pushQueriers(ctx, n)
}

// pushQueriers builds the Micros, and pushes each with its database.
func (s settings) pushQueriers(ctx context.Context, n *node) error {
	inGo, inC, own := filepath.Join(n.dir, "queries.wasm"), filepath.Join(n.dir, "c.wasm"), filepath.Join(n.dir, "own.wasm")
	build := command(ctx, s.root, "go", "build", "-trimpath", "-buildmode=c-shared", "-o", inGo, "./bench/suite/queries")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	clang := command(ctx, s.root, "clang", "--target=wasm32-wasi", "-mexec-model=reactor", "-O2", "-Wall", "-Werror", "-Wl,--strip-all",
		"-Iexamples/handler-c", "-Iwasi/micro/sqlite", "-o", inC, "bench/suite/hostsqlite/main.c")
	for _, cmd := range []*exec.Cmd{build, clang, command(ctx, s.root, "sh", "cmd/spacewasm/testdata/ownsqlite/build.sh", own)} {
		say("building %s", cmd.Args[len(cmd.Args)-1])
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
	}
	for _, app := range []struct{ name, module, database string }{
		{"queries", inGo, "data.db"}, {"c", inC, "data.db"}, {"own", own, "data.db"}, {"large", inGo, "large.db"},
	} {
		say("pushing %s", app.name)
		bundle, err := withDatabase(app.module, filepath.Join(n.dir, app.database))
		if err == nil {
			err = n.push(ctx, app.name, "application/zip", bundle)
		}
		if err != nil {
			return fmt.Errorf("push %s: %w", app.name, err)
		}
	}
	return nil
}

// makeItems makes the database that is asked.
func makeItems(ctx context.Context, file string, count, padding int) (err error) {
	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, statement := range []string{
		"CREATE TABLE items(id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER, padding BLOB)",
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		 INSERT INTO items SELECT i, 'item number ' || i, i / 7.0, i %% 100, iif(%[2]d, randomblob(%[2]d), NULL) FROM n`, count, padding),
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// withDatabase is a bundle of a module and its database.
func withDatabase(module, database string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, path := range map[string]string{"main.wasm": module, "data.db": database} {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// startQueries starts the native one in the folder that has the database.
func (s settings) startQueries(ctx context.Context, dir string) (*exec.Cmd, error) {
	program := filepath.Join(dir, "queries")
	if out, err := command(ctx, s.root, "go", "build", "-o", program, "./bench/suite/queries").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the native queries: %w\n%s", err, out)
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, dir, program)
	cmd.Env = append(os.Environ(), "PORT="+address[strings.LastIndex(address, ":")+1:])
	return cmd, start(ctx, cmd, address)
}

// portOf is where a command was told to listen.
func portOf(cmd *exec.Cmd) string {
	_, port, _ := strings.Cut(cmd.Env[len(cmd.Env)-1], "=")
	return port
}

// sqliteVersions names the library of the host and of the native program, and that of the
// guest that has its own, which is asked.
func sqliteVersions(ctx context.Context, address string) (string, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // it has nothing to lose
	var host string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&host); err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/", strings.NewReader("SELECT sqlite_version(), 0"))
	if err != nil {
		return "", err
	}
	r.Host = "own.localhost"
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return "", err
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(string(text), "text:"), "\t")
	own, err := hex.DecodeString(first)
	return fmt.Sprintf("modernc.org/sqlite with SQLite %s; the guest's own is %s", host, own), err
}
