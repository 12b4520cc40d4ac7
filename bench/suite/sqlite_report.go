package main

import (
	"fmt"
	"strings"

	"github.com/spacewasm/spacewasm/bench/record"
)

// markdown is the page's part about SQLite.
func (r *sqliteReport) markdown() string {
	var b strings.Builder
	r.writeQueries(&b)
	r.writeTargets(&b)
	r.writeCrowds(&b)
	return b.String()
}

func (r *sqliteReport) writeQueries(b *strings.Builder) {
	fmt.Fprint(b, "\n### What queries take\n\n| who asks |")
	for _, w := range workloads() {
		fmt.Fprintf(b, " %s |", w.name)
	}
	fmt.Fprint(b, "\n|---|"+strings.Repeat("--:|", len(workloads()))+"\n")
	for _, q := range r.queriers {
		fmt.Fprintf(b, "| %s |", q.name)
		for _, w := range workloads() {
			if !q.has(w) {
				fmt.Fprint(b, " – |")
				continue
			}
			fmt.Fprintf(b, " %s (%s) |", record.Duration(r.typical(q.name, w.name)), times(r.ratio(q.name, queryNative, w.name)))
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
	for _, q := range r.queriers {
		fmt.Fprintf(b, "- *%s*: %s.\n", q.name, q.what)
	}
}

// writeTargets holds what was measured against what was to be reached.
func (r *sqliteReport) writeTargets(b *strings.Builder) {
	fmt.Fprint(b, "\n| | ratio | to be reached | |\n|---|--:|--:|---|\n")
	for _, t := range []struct {
		work string
		most float64
	}{{lookups, 3}, {texts, 3}, {scans, 1.6}, {totals, 1.6}} {
		for _, who := range []string{queryOurs, queryRows} {
			ratio := r.ratio(who, queryNative, t.work)
			fmt.Fprintf(b, "| %s: %s, to the native time | %s | at most %gx | %s |\n", t.work, who, times(ratio), t.most, verdict(ratio <= t.most))
		}
	}
	for _, t := range []struct{ who, work string }{
		{queryOurs, scans}, {queryRows, scans}, {queryC, scans}, {queryOurs, totals}, {queryRows, totals}, {queryC, totals},
	} {
		const least = 2
		faster := r.ratio(queryOwn, t.who, t.work)
		fmt.Fprintf(b, "| %s: how much faster %s is than of its own | %s | at least %dx | %s |\n", t.work, t.who, times(faster), least, verdict(faster >= least))
	}
}

func (r *sqliteReport) writeCrowds(b *strings.Builder) {
	if len(r.crowds) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%d clients at a time ask the Micro in Go, each for 10,000 rows and for 200 rows by their keys, in turns, anywhere in the database.\n\n", crowdClients)
	fmt.Fprint(b, "| database | requests | errors | turned away | resident before | at most | grown by |\n|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range r.crowds {
		fmt.Fprintf(b, "| %s | %d | %d | %d | %s | %s | %s |\n", mebibytes(c.database), c.requests, c.failed, c.turnedAway,
			mebibytes(c.before), mebibytes(c.most), mebibytes(c.most-c.before))
	}
}
