package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// MaxDomains bounds the domains of one app.
const MaxDomains = 10

// TakenError says that a domain is the app App's already.
type TakenError struct{ App space.AppName }

// Error implements error.
func (e *TakenError) Error() string { return fmt.Sprintf("taken by the app %s", e.App) }

// AddDomain has an app answer at a host from created on. It tells whether that is new,
// and returns [ErrNotFound] if there is no such app, a [TakenError] or [ErrTooMany].
func (s *Store) AddDomain(ctx context.Context, app space.AppName, host space.Domain, created time.Time) (added bool, err error) {
	err = s.write(ctx, func(tx *sql.Tx) error {
		added, err = addDomain(ctx, tx, app, host, created)
		return err
	})
	if _, taken := errors.AsType[*TakenError](err); taken {
		return false, err
	}
	return added && err == nil, named(err, "add the domain "+string(host)+" to "+string(app))
}

func addDomain(ctx context.Context, tx *sql.Tx, app space.AppName, host space.Domain, created time.Time) (bool, error) {
	var made int64
	var owner sql.NullString
	var count int
	switch err := tx.QueryRowContext(ctx, `SELECT created, (SELECT app FROM domains WHERE host = ?2),
		(SELECT COUNT(*) FROM domains WHERE app = ?1) FROM apps WHERE name = ?1`, app, host).Scan(&made, &owner, &count); {
	case errors.Is(err, sql.ErrNoRows):
		return false, ErrNotFound
	case err != nil:
		return false, err
	case owner.String == string(app):
		return false, nil
	case owner.Valid:
		return false, &TakenError{space.AppName(owner.String)}
	case count >= MaxDomains:
		return false, ErrTooMany
	}
	// Who gives its own back to an app has what browsers keep of it stay. Each time of an app
	// at a host begins after the one before, whatever the clock says.
	_, err := tx.ExecContext(ctx, `INSERT INTO domains (host, app, heir, created) VALUES (?1, ?2,
		EXISTS (SELECT 1 FROM former_domains WHERE host = ?1 AND (heir OR app <> ?2 OR made <> ?3)) OR `+wasPlatforms("?1", "?2")+`,
		max(?4, (SELECT COALESCE(MAX(ended) + 1, 0) FROM former_domains WHERE host = ?1)))`,
		host, app, made, created.UnixMilli())
	return err == nil, err
}

// Domains returns the domains of an app, "" for those of all apps, by host.
func (s *Store) Domains(ctx context.Context, app space.AppName) ([]space.AppDomain, error) {
	all, err := list(ctx, s.db, `SELECT host, app, data_key, domains.heir, domains.created, shadowed
		FROM domains JOIN apps ON apps.name = domains.app WHERE ?1 IN ('', app) ORDER BY host`, []any{app},
		func(scan func(...any) error) (d space.AppDomain, err error) {
			var added, shadowed int64
			err = scan(&d.Host, &d.App, &d.Key, &d.Heir, &added, &shadowed)
			if d.Created = time.UnixMilli(added).UTC(); shadowed != 0 {
				d.Shadowed = time.UnixMilli(shadowed).UTC()
			}
			return d, err
		})
	return all, named(err, "list domains")
}

// RemoveDomain has an app not answer at a host any more, or returns [ErrNotFound].
func (s *Store) RemoveDomain(ctx context.Context, app space.AppName, host space.Domain) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := partWith(ctx, tx, app, host); err != nil {
			return err
		}
		return removed(tx.ExecContext(ctx, `DELETE FROM domains WHERE app = ? AND host = ?`, app, host))
	})
	return named(err, "remove the domain "+string(host)+" of "+string(app))
}
