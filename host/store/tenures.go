package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/spacewasm/spacewasm/host/space"
)

// What is known of who was at a host before is kept for formerTime, which is longer than
// browsers keep a cookie (400 days), and of maxFormer hosts.
const (
	formerTime = 2 * 365 * 24 * time.Hour
	maxFormer  = 10_000
)

// ofPlatform tells of a host of domains whether it is the platform's now, or below it.
const ofPlatform = `EXISTS (SELECT 1 FROM platforms p WHERE p.current = 1
	AND (domains.host = p.host OR substr(domains.host, -length(p.host) - 1) = '.' || p.host))`

// SetPlatform tells the store what the platform's hosts are, in lower case, from now on.
// Domains of apps that are among them, or below, end then; those that are not any more begin
// anew, each where another may have answered meanwhile.
func (s *Store) SetPlatform(ctx context.Context, hosts []string, now time.Time) error {
	hosts = slices.Compact(slices.Sorted(slices.Values(hosts)))
	// First without writing, as nearly always nothing is new.
	known, err := list(ctx, s.db, `SELECT host FROM platforms WHERE current = 1 ORDER BY host`, nil,
		func(scan func(...any) error) (host string, err error) { return host, scan(&host) })
	if err != nil || slices.Equal(known, hosts) {
		return named(err, "list the platform's hosts")
	}
	err = s.write(ctx, func(tx *sql.Tx) error { return setPlatform(ctx, tx, hosts, now.UnixMilli()) })
	return named(err, "note the platform's hosts")
}

func setPlatform(ctx context.Context, tx *sql.Tx, hosts []string, now int64) error {
	if _, err := tx.ExecContext(ctx, `UPDATE platforms SET current = 0`); err != nil {
		return err
	}
	for _, host := range hosts {
		if _, err := tx.ExecContext(ctx, `INSERT INTO platforms (host, current) VALUES (?, 1)
			ON CONFLICT DO UPDATE SET current = 1`, host); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE domains SET shadowed = max(?, created) WHERE shadowed = 0 AND `+ofPlatform, now); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE domains SET shadowed = 0, created = max(?, shadowed + 1),
		heir = heir OR `+wasPlatforms("domains.host", "domains.app")+` WHERE shadowed <> 0 AND NOT `+ofPlatform, now)
	return err
}

// wasPlatforms tells of a host, for an app, whether the platform or another app may have
// answered at it, as a host of the platform's. At an app's own built-in host none but those
// of its name did.
func wasPlatforms(host, app string) string {
	return `EXISTS (SELECT 1 FROM platforms p WHERE (` + host + ` = p.host OR substr(` + host + `, instr(` + host + `, '.') + 1) = p.host)
		AND (` + host + ` <> ` + app + ` || '.' || p.host OR (SELECT apps.heir FROM apps WHERE apps.name = ` + app + `)))`
}

// Former is an app that answered at a host as at a domain of its own, until Ended.
type Former struct {
	Host  space.Domain
	App   space.AppName
	Made  time.Time // when the app was
	Heir  bool      // another had answered there before it
	Ended time.Time // UTC, to the millisecond
}

// namesakes are apps at whose built-in hosts the platform is, by an earlier name of it: when
// they ended is not known.
const namesakes = `SELECT p.host, names.name, 0, 1, 0 FROM platforms p JOIN platforms of ON substr(p.host, instr(p.host, '.') + 1) = of.host
	JOIN (SELECT name FROM apps UNION SELECT name FROM former_apps) names ON p.host = names.name || '.' || of.host
	WHERE p.current = 1 AND p.host NOT IN (SELECT host FROM former_domains UNION ALL SELECT host FROM domains)`

// PlatformFormers returns who answered last at hosts that are the platform's now.
func (s *Store) PlatformFormers(ctx context.Context) ([]Former, error) {
	all, err := list(ctx, s.db, `SELECT host, app, made, heir, ended FROM former_domains AS domains
			WHERE `+ofPlatform+` AND NOT EXISTS (SELECT 1 FROM domains later WHERE later.host = domains.host)
		UNION ALL SELECT host, app, apps.created, domains.heir, shadowed FROM domains JOIN apps ON apps.name = domains.app
			WHERE shadowed <> 0
		UNION ALL `+namesakes+` ORDER BY 1`, nil,
		func(scan func(...any) error) (f Former, err error) {
			var made, ended int64
			err = scan(&f.Host, &f.App, &made, &f.Heir, &ended)
			f.Made, f.Ended = time.UnixMilli(made).UTC(), time.UnixMilli(ended).UTC()
			return f, err
		})
	return all, named(err, "list who was at the platform's hosts")
}

// partWith notes whose a domain of an app was, before it goes; "" is all of the app's.
func partWith(ctx context.Context, tx *sql.Tx, app space.AppName, host space.Domain) error {
	now := time.Now()
	if _, err := tx.ExecContext(ctx, `INSERT INTO former_domains (host, app, made, heir, ended)
		SELECT host, app, apps.created, domains.heir, iif(shadowed <> 0, shadowed, max(?3, domains.created))
		FROM domains JOIN apps ON apps.name = domains.app WHERE app = ?1 AND ?2 IN ('', host)
		ON CONFLICT DO UPDATE SET app = excluded.app, made = excluded.made, heir = excluded.heir, ended = excluded.ended`,
		app, host, now.UnixMilli()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM former_domains WHERE ended < ?1
		OR host IN (SELECT host FROM former_domains ORDER BY ended DESC, host LIMIT -1 OFFSET ?2)`,
		now.Add(-formerTime).UnixMilli(), maxFormer)
	return err
}
