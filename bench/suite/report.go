package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/bench/record"
)

// report is what was measured.
type report struct {
	order   []peer
	answers map[string]map[int][]answered // by peer and connections, a value for each round
	depths  [3]float64                    // resident bytes, see depthNames
	growth  []grown
	starts  []record.StageFigure
	sqlite  *sqliteReport // nil where it was not measured
	when    time.Time
}

// grown is a server with Micros that sleep.
type grown struct {
	micros   int
	resident float64 // bytes
	ready    time.Duration
}

func newReport() *report {
	return &report{answers: map[string]map[int][]answered{}, when: time.Now().UTC()}
}

func (r *report) describe(p peer) { r.order = append(r.order, p) }

func (r *report) add(name string, connections int, a answered) {
	if r.answers[name] == nil {
		r.answers[name] = map[int][]answered{}
	}
	r.answers[name][connections] = append(r.answers[name][connections], a)
}

// typical is the round in the middle, by requests a second.
func (r *report) typical(name string, connections int) (answered, bool) {
	all := slices.Clone(r.answers[name][connections])
	if len(all) == 0 {
		return answered{}, false
	}
	slices.SortFunc(all, func(a, b answered) int { return int(a.perSecond - b.perSecond) })
	return all[len(all)/2], true
}

// ratio is how many requests a second one peer answers for each of another's, the median
// over the rounds, with as many connections as the claims are about.
func (r *report) ratio(name, other string) (float64, bool) {
	var ratios []float64
	others := r.answers[other][claimed]
	for i, a := range r.answers[name][claimed] {
		if i < len(others) && others[i].perSecond > 0 {
			ratios = append(ratios, a.perSecond/others[i].perSecond)
		}
	}
	if len(ratios) == 0 {
		return 0, false
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], true
}

// measured says when, and on what.
func (r *report) measured() string {
	m := record.ThisMachine()
	return fmt.Sprintf("Measured on %s: %s, %d processors, %s, %s", r.when.Format("2 January 2006"), m.CPU, m.Processors, m.System, m.Go)
}

// markdown is the page's part, "" where only SQLite was measured.
func (r *report) markdown() string {
	if len(r.order) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, r.measured()+".")
	r.writeRequests(&b)
	r.writeTargets(&b)
	r.writeStarts(&b)
	r.writeMemory(&b)
	return b.String()
}

func (r *report) writeRequests(b *strings.Builder) {
	fmt.Fprint(b, "\n### Requests a second, and latency\n\n![Requests a second with 16 connections, by peer](requests.svg)\n\n")
	fmt.Fprint(b, "| peer | 1 connection | 16 | 64 | of native, 16 | p50, 16 | p99, 16 |\n|---|--:|--:|--:|--:|--:|--:|\n")
	for _, p := range r.order {
		row := []string{p.name}
		for _, n := range connections() {
			cell := "–"
			if a, ok := r.typical(p.name, n); ok {
				cell = fmt.Sprintf("%.0f", a.perSecond)
			}
			row = append(row, cell)
		}
		last := []string{"–", "–", "–"}
		if a, ok := r.typical(p.name, claimed); ok {
			share, _ := r.ratio(p.name, nameNative)
			last = []string{fmt.Sprintf("%.3f", share), record.Duration(a.p50), record.Duration(a.p99)}
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(append(row, last...), " | "))
	}
	fmt.Fprintln(b)
	for _, p := range r.order {
		fmt.Fprintf(b, "- *%s*: %s.\n", p.name, p.what)
	}
}

// targets are what the project wants of the ratios.
func (r *report) writeTargets(b *strings.Builder) {
	fmt.Fprint(b, "\n### Against what was to be reached\n\n| with 16 connections | ratio | at least | |\n|---|--:|--:|---|\n")
	for _, t := range []struct {
		what, name, other string
		least             float64
	}{
		{"a Go handler, fresh state each, by the native server", nameOurs, nameNative, 0.25},
		{"the same by the same instances reused dirty", nameFresh, nameDirty, 1},
		{"the same by stock wazero with a fresh instance each", nameOurs, nameStock, 50},
		{"the same by workerd with a fresh isolate each", nameOurs, nameIso, 10},
		{"the same by workerd with one isolate", nameOurs, nameWarm, 1},
	} {
		ratio, ok := r.ratio(t.name, t.other)
		if !ok {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %gx | %s |\n", t.what, times(ratio), t.least, verdict(ratio >= t.least))
	}
	for _, s := range r.starts {
		if s.Name == "asleep" && s.Stock != nil {
			fmt.Fprintf(b, "| waking from deep sleep, by stock wazero with its disk cache | %s | 3x | %s |\n", times(s.Ratio), verdict(s.Ratio >= 3))
		}
	}
}

func times(ratio float64) string { return fmt.Sprintf("%.3gx", ratio) }

func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "**missed**"
}

func (r *report) writeStarts(b *strings.Builder) {
	if len(r.starts) == 0 {
		return
	}
	fmt.Fprint(b, "\n### From its bytes to an answer\n\nexamples/hello (Go, a handler), as `spacewasm bench --baseline` measures it.\n\n")
	fmt.Fprint(b, "| stage | what | p50 | p99 | stock p50 | times faster |\n|---|---|--:|--:|--:|--:|\n")
	for _, s := range r.starts {
		stock, ratio := "–", "–"
		if s.Stock != nil {
			stock, ratio = record.Duration(s.Stock.P50), fmt.Sprintf("%.3g", s.Ratio)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", s.Name, s.What, record.Duration(s.Ours.P50), record.Duration(s.Ours.P99), stock, ratio)
	}
}

func (r *report) writeMemory(b *strings.Builder) {
	if r.depths[0] > 0 {
		fmt.Fprintf(b, "\n### Memory\n\n%d Micros in Go, each with a module of its own.\n\n| they are | the server's resident memory | each |\n|---|--:|--:|\n", gophers)
		for i, name := range depthNames() {
			each := "–"
			if i > 0 {
				each = mebibytes((r.depths[i] - r.depths[0]) / gophers)
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", name, mebibytes(r.depths[i]), each)
		}
	}
	if len(r.growth) > 0 {
		fmt.Fprint(b, "\nMicros that sleep (examples/hello-c), after a restart of the server.\n\n| Micros | resident memory | ready after |\n|--:|--:|--:|\n")
		for _, g := range r.growth {
			fmt.Fprintf(b, "| %d | %s | %s |\n", g.micros, mebibytes(g.resident), record.Duration(g.ready))
		}
	}
}

func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }

// sqliteMarkdown is the part that is about SQLite, "" where that was not measured.
func (r *report) sqliteMarkdown() string {
	if r.sqlite == nil {
		return ""
	}
	return fmt.Sprintf("%s, %s.\n%s", r.measured(), r.sqlite.versions, r.sqlite.markdown())
}

// The marks between which a page has the figures.
const (
	beginMark       = "<!-- figures of make bench -->"
	endMark         = "<!-- end of the figures of make bench -->"
	beginSQLiteMark = "<!-- figures of make bench: SQLite -->"
	endSQLiteMark   = "<!-- end of the figures of make bench: SQLite -->"
)

// publish puts the figures into a page, and its picture beside it. What was not measured
// stays as it is.
func (r *report) publish(page string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	all := string(text)
	for _, part := range []struct{ begin, end, text string }{
		{beginMark, endMark, r.markdown()}, {beginSQLiteMark, endSQLiteMark, r.sqliteMarkdown()},
	} {
		if part.text == "" {
			continue
		}
		before, rest, ok := strings.Cut(all, part.begin)
		_, after, closed := strings.Cut(rest, part.end)
		if !ok || !closed {
			return fmt.Errorf("%s has no marks %q and %q", page, part.begin, part.end)
		}
		all = before + part.begin + "\n\n" + part.text + "\n" + part.end + after
	}
	if err := os.WriteFile(page, []byte(all), 0o600); err != nil {
		return err
	}
	if len(r.order) == 0 {
		return nil
	}
	return r.draw(strings.TrimSuffix(page, "benchmarks.md") + "requests.svg")
}
