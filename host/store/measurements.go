package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// KeptMeasurements is how many are kept of a Micro, the newest.
const KeptMeasurements = 30

// Measurement is what was measured of a Micro of a revision.
type Measurement struct {
	App      space.AppName
	Micro    string
	Revision int
	Time     time.Time
	// Path is what was asked for.
	Path string
	// Document is what was found, in the words of who measured.
	Document []byte
}

// RecordMeasurement records one, unless its app, of which appKey is the key, is gone; old
// ones of the Micro go for it.
func (s *Store) RecordMeasurement(ctx context.Context, m Measurement, appKey string) error {
	return named(s.write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO measurements (app, micro, revision, time, path, document)
			SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM apps WHERE name = ?1 AND data_key = ?7)`,
			m.App, m.Micro, m.Revision, milli(m.Time), m.Path, m.Document, appKey)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM measurements WHERE app = ?1 AND micro = ?2
			AND id <= (SELECT id FROM measurements WHERE app = ?1 AND micro = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`, m.App, m.Micro, KeptMeasurements)
		return err
	}), "record a measurement")
}

// Measurements returns those of a Micro, the newest first and so many at most.
func (s *Store) Measurements(ctx context.Context, app space.AppName, micro string, most int) ([]Measurement, error) {
	found, err := list(ctx, s.db, `SELECT revision, time, path, document FROM measurements WHERE app = ? AND micro = ? ORDER BY id DESC LIMIT ?`,
		[]any{app, micro, most}, func(scan func(...any) error) (Measurement, error) {
			m := Measurement{App: app, Micro: micro}
			var at int64
			err := scan(&m.Revision, &at, &m.Path, &m.Document)
			m.Time = fromMilli(at)
			return m, err
		})
	return found, named(err, "list measurements of "+string(app))
}
