package main_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// kills is how often TestE2EKilledAnywhere ends a server.
const kills = 100

// crashes kills a server in the middle of what changes an app, again and again.
type crashes struct {
	*server
	dir     string
	random  *rand.Rand
	mark    int              // of the newest revision that was pushed, finished or not
	live    int              // the mark of the revision that has to answer; 0 for no app
	pending int              // the mark that may answer instead, as its push was cut; -1 for none
	took    [2]time.Duration // that a push and a removal take, for the kills to be spread over
	ends    map[string]int   // how the kills ended
}

// SIGKILL at any point of a push, an activation or a removal leaves the revision before or the one after as a whole, and
// no stray files once the server runs again.
func TestE2EKilledAnywhere(t *testing.T) {
	c := &crashes{dir: filepath.Join(t.TempDir(), "data"), random: rand.New(rand.NewPCG(1, 2)), ends: map[string]int{}}
	c.killStarts(t)
	c.server = serveData(t, c.dir)
	token := c.token
	c.measure()
	for i := range kills {
		c.cut(i%3 == 2)
		c.server = serveData(t, c.dir)
		c.check()
		if c.token != token {
			t.Fatalf("the token was %q and is %q", token, c.token)
		}
		if t.Failed() {
			t.Fatalf("after kill %d", i)
		}
	}
	t.Logf("a push takes %v, a removal %v; the kills left %v", c.took[0], c.took[1], c.ends)
	if late := c.ends["after"] + c.ends["answered"]; c.ends["before"] < kills/20 || late < kills/20 {
		t.Errorf("the kills came too early or too late: %v", c.ends)
	}
}

// killStarts ends servers while they make a data directory.
func (c *crashes) killStarts(t *testing.T) {
	for i := range 12 {
		p := &server{process: &process{exited: make(chan struct{})}, t: t}
		p.start([]string{"serve", "--listen", "127.0.0.1:0", "--data", c.dir})
		must(t, p.cmd.Start())
		time.Sleep(time.Duration(i) * 8 * time.Millisecond)
		must(t, p.cmd.Process.Kill())
		_ = p.cmd.Wait() // killed
	}
}

// bundle is a project of two Micros that both answer with the mark.
func (c *crashes) bundle(mark int) []byte {
	module := string(bytes.Replace(guest("hello"), []byte("hello"), fmt.Appendf(nil, "%05d", mark), 1))
	return zipped(c.t, map[string]string{
		"Spacefile":     "v: 0\nmicros:\n  - {name: web, src: web, engine: wasm, primary: true, public: true}\n  - {name: api, src: api, engine: wasm, public: true}\n",
		"web/main.wasm": module, "api/main.wasm": module, "api/asset": strings.Repeat(fmt.Sprint(mark), 1000),
	})
}

// begin starts to push or remove the app; the channel is closed when an answer has come, or none will.
func (c *crashes) begin(remove bool) <-chan answer {
	c.mark++
	req := c.request(http.MethodPut, "", "/api/v1/apps/app", bytes.NewReader(c.bundle(c.mark)),
		"Authorization", "Bearer "+c.token, "Content-Type", "application/zip")
	if remove {
		req = c.request(http.MethodDelete, "", "/api/v1/apps/app", nil, "Authorization", "Bearer "+c.token)
	}
	done := make(chan answer, 1)
	s := c.server
	go func() {
		defer close(done)
		if a, err := s.try(req); err == nil {
			done <- a
		}
	}()
	return done
}

// measure finds out how long both take, for the kills to be spread over.
func (c *crashes) measure() {
	c.took = [2]time.Duration{time.Minute, time.Minute}
	for range 6 { // others may use the machine meanwhile
		for i, remove := range []bool{false, true} {
			began := time.Now()
			<-c.begin(remove)
			c.took[i] = min(c.took[i], time.Since(began))
		}
	}
	c.live, c.pending = 0, -1
	<-c.begin(false)
	c.live = c.mark
}

// cut begins to push or remove, and kills the server at some point of it.
func (c *crashes) cut(remove bool) {
	which := 0
	if remove {
		which = 1
	}
	done := c.begin(remove)
	time.Sleep(time.Duration(c.random.Int64N(int64(c.took[which]))))
	c.kill()
	after := c.mark
	if remove {
		after = 0
	}
	c.pending = after
	a, answered := <-done
	if !answered || a.status >= 300 {
		c.took[which] = c.took[which] * 103 / 100 // as others use the machine too
		return
	}
	c.took[which] = c.took[which] * 95 / 100
	c.live, c.pending = after, -1 // what was answered has to stay
}

// check looks at the server after its restart.
func (c *crashes) check() {
	c.t.Helper()
	got := c.answers()
	switch {
	case got == c.live && c.pending < 0:
		c.ends["answered"]++
	case got == c.live:
		c.ends["before"]++
	case got == c.pending:
		c.ends["after"]++
	default:
		c.t.Errorf("revision %d answers; before the kill it was %d, and %d was on its way", got, c.live, c.pending)
	}
	c.live = got
	stray := c.stray()
	for began := time.Now(); len(stray) > 0 && time.Since(began) < 5*time.Second; stray = c.stray() {
		time.Sleep(10 * time.Millisecond) // the sweeper's
	}
	if len(stray) > 0 {
		c.t.Errorf("too much or not there: %q", stray)
	}
}

// answers is the mark of the revision that answers at both paths and that the registry has, 0 for none.
func (c *crashes) answers() int {
	c.t.Helper()
	listed := c.do(c.request(http.MethodGet, "", "/api/v1/apps/app", nil, "Authorization", "Bearer "+c.token))
	web, api := c.get("app", "/"), c.get("app", "/api")
	if listed.status == http.StatusNotFound && web.status == http.StatusNotFound && api.status == http.StatusNotFound {
		return 0
	}
	var app deployed
	must(c.t, json.Unmarshal([]byte(listed.body), &app))
	var mark int
	if _, err := fmt.Sscanf(web.body, "%05d\n", &mark); err != nil || web.body != api.body || len(app.Micros) != 2 {
		c.t.Errorf("the registry has %d %s\nthe Micros answer %d %q and %d %q", listed.status, listed.body, web.status, web.body, api.status, api.body)
	}
	return mark
}

// stray lists what the data directory has too much or lacks.
func (c *crashes) stray() []string {
	c.t.Helper()
	needed := c.needed()
	var stray []string
	must(c.t, filepath.WalkDir(c.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return gone(err)
		}
		name, _ := filepath.Rel(c.dir, path)
		folder, file := filepath.Split(name)
		switch {
		case folder == "blobs/":
			if !slices.Contains(needed, file) {
				stray = append(stray, name)
			}
			needed = slices.DeleteFunc(needed, func(digest string) bool { return digest == file })
			return fs.SkipDir
		case folder == "logs/" && file == "app+requests" && c.live != 0: // those of an app that is there
		case folder == "tmp/", folder == "logs/", folder == "cache/incoming/", strings.HasSuffix(file, ".tmp"), strings.HasSuffix(file, ".part"), strings.HasPrefix(file, ".token"):
			stray = append(stray, name)
		}
		return nil
	}))
	return append(stray, needed...)
}

// needed asks the database which bundles the revisions need, while the server runs.
func (c *crashes) needed() []string {
	c.t.Helper()
	path := (&url.URL{Scheme: "file", Path: filepath.Join(c.dir, "spacewasm.db"), RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}).String()
	db, err := sql.Open("sqlite", path)
	must(c.t, err)
	defer db.Close()
	rows, err := db.Query(`SELECT DISTINCT micro.value ->> 'bundle' FROM revisions, json_each(revisions.micros) AS micro`)
	must(c.t, err)
	defer rows.Close()
	var digests []string
	for rows.Next() {
		var digest string
		must(c.t, rows.Scan(&digest))
		digests = append(digests, digest)
	}
	must(c.t, rows.Err())
	return digests
}
