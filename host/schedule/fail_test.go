package schedule_test

import (
	"database/sql"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/spacewasm/spacewasm/host/space"
)

// alter changes the database from beside the server.
func (b *bench) alter(statement string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.dir, "spacewasm.db"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(b.t.Context(), statement); err != nil {
		b.t.Fatal(err)
	}
}

// Nothing runs that cannot be written down; once it can, what is not too late does, and
// how a run ended meanwhile is not lost.
func TestStoreFails(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		b.start()
		b.push("app", slow(30*time.Second), with("1 minute", func(*space.Action) {}))
		b.pass(time.Minute + time.Second)
		b.alter(`ALTER TABLE runs RENAME TO away`)
		b.pass(time.Minute) // 00:02:01, in which the run of 00:01 has ended
		if !strings.Contains(b.said.String(), "cannot record") {
			t.Errorf("the log says %s", b.said)
		}
		b.pass(10 * time.Second)
		b.alter(`ALTER TABLE away RENAME TO runs`)
		b.pass(2 * time.Second)
		b.wantRuns("00:01 ok", "00:02 running")
		b.alter(`ALTER TABLE runs RENAME TO away`)
		b.pass(2*time.Minute + 40*time.Second) // 00:04:53
		b.alter(`ALTER TABLE away RENAME TO runs`)
		b.pass(2 * time.Second)
		b.wantRuns("00:01 ok", "00:02 ok", "00:03-00:04 missed")
		b.pass(time.Minute)
		b.wantRuns("00:01 ok", "00:02 ok", "00:03-00:04 missed", "00:05 ok")
	})
}

// An attempt that is owed is not lost with a transaction.
func TestStoreFailsBeforeRetry(t *testing.T) {
	bubble(t, func(t *testing.T, b *bench) {
		d := &door{}
		d.serve = func(w http.ResponseWriter, r *http.Request) error {
			*space.UsageOf(r.Context()) = space.Usage{Requests: 1}
			time.Sleep(5 * time.Second)
			if len(d.fires()) == 1 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return nil
		}
		b.start()
		b.push("app", d, with("1 day", func(a *space.Action) { a.Retries = 1 }))
		b.pass(24*time.Hour + 2*time.Second)
		b.alter(`ALTER TABLE runs RENAME TO away`)
		b.pass(20 * time.Second)
		b.alter(`ALTER TABLE away RENAME TO runs`)
		b.pass(30 * time.Second)
		b.wantRuns("00:00 failed", "00:00#2 ok")
	})
}
