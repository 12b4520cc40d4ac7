package main

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/spacewasm/spacewasm/host/api/wire"
)

// printDeployed says what a push or a rollback made: the Micros for a person, the address for
// whoever reads standard output.
func (c *cli) printDeployed(app wire.App) error {
	fmt.Fprintf(c.err, "%s: revision %d is live\n", cell(app.App), app.Revision)
	rows := [][]string{{"MICRO", "PATH", "CONTRACT", "SIZE", "COMPILED", "SNAPSHOT"}}
	for _, m := range app.Micros {
		row := []string{m.Name, m.Path, m.Contract, "-", "-", "-"} // of a static one, which has no module
		if m.WasmBytes > 0 {
			row = []string{m.Name, m.Path, m.Contract, humanSize(m.WasmBytes), milliseconds(m.CompileMS), snapshot(m.Snapshot)}
		}
		rows = append(rows, row)
	}
	if err := table(c.err, rows); err != nil {
		return err
	}
	for _, m := range app.Micros {
		for _, d := range m.Databases {
			fmt.Fprintf(c.err, "database of %s: %s\n", cell(m.Name), cell(databaseWords(d)))
		}
		if len(m.Snapshot.Drew) > 0 {
			fmt.Fprintf(c.err, "note: the initialiser of %s drew %s: all requests have the same of it; what crypto/rand and micro.Rand give is each request's own\n",
				cell(m.Name), cell(strings.Join(m.Snapshot.Drew, " and ")))
		}
	}
	if try := curlHint(app.URL); try != "" {
		fmt.Fprintf(c.err, "try it: %s%s\n", escape(try), ownersHeader(app))
	}
	if _, err := fmt.Fprintln(c.out, cell(app.URL)); err != nil {
		return err
	}
	if app.Failed != "" {
		return fmt.Errorf("revision %d of %s does not run: %s", app.Revision, app.App, app.Failed)
	}
	return nil
}

// databaseWords describes a database on one line.
func databaseWords(d wire.Database) string {
	words := fmt.Sprintf("%s, %s", d.Name, humanSize(d.Bytes))
	if d.PageSize > 0 { // else its header is not whole
		words += " in pages of " + humanize.IBytes(uint64(d.PageSize))
	}
	if d.Fault != "" {
		return words + ": cannot be queried: " + d.Fault
	}
	var tables []string
	for _, t := range d.Tables {
		rows := humanize.Comma(t.Rows) + " rows"
		switch t.Rows {
		case -1:
			rows = "not counted"
		case 1:
			rows = "1 row"
		}
		tables = append(tables, fmt.Sprintf("%s (%s)", t.Name, rows))
	}
	if d.More > 0 {
		tables = append(tables, fmt.Sprintf("%d more", d.More))
	}
	if len(tables) == 0 {
		return words + ": no tables"
	}
	return words + ": " + strings.Join(tables, ", ")
}

func humanSize(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

func milliseconds(ms float64) string {
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond).String()
}

func snapshot(s wire.Snapshot) string {
	switch {
	case s.Taken:
		return humanSize(s.Bytes)
	case s.Reason != "":
		return "none: " + s.Reason
	default:
		return "none"
	}
}

// ownersHeader is what is added to the command that asks for an app which is its owner's only.
func ownersHeader(app wire.App) string {
	for _, m := range app.Micros {
		if m.Primary && !m.Public {
			return ` -H "Authorization: Bearer $(spacewasm token)"`
		}
	}
	return ""
}

// curlHint is the command that reaches a *.localhost address with any curl; only
// newer ones know such names. It is "" for other addresses.
func curlHint(address string) string {
	u, err := url.Parse(address)
	if err != nil || !isLocalhostName(u.Hostname()) {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return fmt.Sprintf("curl --resolve %s:%s:127.0.0.1 %s", u.Hostname(), port, u)
}
