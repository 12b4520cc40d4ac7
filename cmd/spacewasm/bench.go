package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/bench/record"
)

const benchLong = `Measure what a module costs, stage by stage: compile, load from the disk, clone,
reset, the first byte through HTTP of a Micro that sleeps, and a warm request; then
how it answers under a steady load, in which requests are due whether or not those
before have been answered, and each is timed from when it was due.

--baseline measures stock wazero in the same run, in turns: its own WASI, a fresh
instance for each request, its deadline on. --compare measures another module, in
turns, and says which is faster, if that can be told from chance.

Machines are shared and noisy: compare ratios within a run, not times of two.
The guest sees the module's folder as its read-only files. A Micro that is live is
measured from its page in the console, with its variables.`

const benchExample = `  spacewasm bench hello.wasm
  spacewasm bench hello.wasm --baseline --html hello.html
  spacewasm bench new.wasm --compare old.wasm --path /api/items
  spacewasm bench hello.wasm --rate 2000 --load 30s --json`

// benchmark is what the command bench was asked.
type benchmark struct {
	options  bench.Options
	baseline bool
	compare  string
	html     string
	asJSON   bool
}

func newBench(c *cli) *cobra.Command {
	var b benchmark
	cmd := &cobra.Command{
		Use:     "bench FILE.wasm",
		Short:   "Measure a module, from its bytes to an answer",
		Long:    benchLong,
		Example: benchExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if b.options.Time <= 0 || b.options.LoadTime < 0 || b.options.Rate < 0 {
				return usagef("--time wants more than 0, --load and --rate 0 or more")
			}
			if !strings.HasPrefix(b.options.Path, "/") {
				return usagef("--path %q: a path begins with /", b.options.Path)
			}
			return c.bench(cmd.Context(), args[0], b)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&b.baseline, "baseline", false, "measure stock wazero too, and print how many times faster it is")
	f.StringVar(&b.compare, "compare", "", "another module, to say which is faster")
	f.StringVar(&b.html, "html", "", "write a page with plots to this file")
	f.BoolVar(&b.asJSON, "json", false, "print JSON")
	f.StringVar(&b.options.Path, "path", "/", "what is asked for")
	f.DurationVar(&b.options.Time, "time", 10*time.Second, "how long the stages of a module are measured, at least once each")
	f.DurationVar(&b.options.LoadTime, "load", 4*time.Second, "how long the load lasts; 0 is none")
	f.Float64Var(&b.options.Rate, "rate", 0, "requests a second of the load (default half of what the processors get through)")
	return cmd
}

// bench measures, and shows what came of it.
func (c *cli) bench(ctx context.Context, file string, b benchmark) (err error) {
	files := []string{file}
	if b.compare != "" {
		files = append(files, b.compare)
	}
	show := newMeasuring(c)
	defer show.stop()
	b.options.Progress = show.at
	var subjects []*bench.Subject
	defer func() {
		for _, s := range subjects {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	for _, name := range files {
		show.at("preparing "+filepath.Base(name), 0)
		config := bench.FileConfig(name)
		config.Baseline = b.baseline
		s, err := bench.NewSubject(ctx, config)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		subjects = append(subjects, s)
	}
	results, err := bench.Run(ctx, b.options, subjects...)
	if err != nil {
		return err
	}
	show.stop()
	document := bench.NewDocument(c.version, results)
	if b.html != "" {
		if err := writePage(b.html, document); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "the page is in %s\n", escape(b.html))
	}
	if b.asJSON {
		return printJSON(c.out, document, "  ")
	}
	return c.printBenchmark(document)
}

func writePage(name string, document *record.Document) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return document.WriteHTML(file)
}

// printBenchmark prints tables, and a histogram of what visitors feel.
func (c *cli) printBenchmark(d *record.Document) error {
	fmt.Fprintf(c.out, "%s, %d processors, %s\n", escape(d.Machine.CPU), d.Machine.Processors, d.Machine.Go)
	for i := range d.Modules {
		if err := c.printModule(&d.Modules[i]); err != nil {
			return err
		}
	}
	if len(d.Comparison) == 0 {
		return nil
	}
	fmt.Fprintf(c.out, "\n%s (the first) against %s (the second):\n", escape(d.Modules[0].Name), escape(d.Modules[1].Name))
	var rows [][]string
	for _, a := range d.Comparison {
		rows = append(rows, []string{"  " + a.Stage, a.Words()})
	}
	return table(c.out, rows)
}

func (c *cli) printModule(m *record.Module) error {
	fmt.Fprintf(c.out, "\n%s: contract %s, %s", escape(m.Name), m.Contract, humanize.IBytes(uint64(m.Bytes)))
	if m.NoSnapshot != "" {
		fmt.Fprintf(c.out, ", no snapshot: %s", escape(m.NoSnapshot))
	}
	fmt.Fprint(c.out, "\n\n")
	withStock := m.Stages[0].Stock != nil
	head := []string{"stage", "p50", "p90", "p99", "max", "count", ""}
	if withStock {
		head = []string{"stage", "p50", "p90", "p99", "max", "count", "stock p50", "faster", ""}
	}
	rows := [][]string{head}
	for _, s := range m.Stages {
		row := append([]string{s.Name}, figures(s.Ours)...)
		row = append(row, strconv.Itoa(s.Ours.Count))
		if withStock && s.Stock != nil {
			row = append(row, record.Duration(s.Stock.P50), fmt.Sprintf("%.3gx", s.Ratio))
		} else if withStock {
			row = append(row, "–", "–")
		}
		rows = append(rows, append(row, s.What))
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	const enough = 20
	for _, s := range m.Stages {
		if s.Ours.Count >= enough && (s.Name == "asleep" || s.Name == "dozing" || s.Name == "warm") {
			fmt.Fprintf(c.out, "\n%s: %s\n", s.Name, s.What)
			c.printHistogram(s.Ours.Histogram)
		}
	}
	c.printLoad("under load", m.Load)
	c.printLoad("stock wazero", m.LoadStock)
	return nil
}

func figures(f record.Figures) []string {
	return []string{record.Duration(f.P50), record.Duration(f.P90), record.Duration(f.P99), record.Duration(f.Max)}
}

// printHistogram draws a bar for each two buckets.
func (c *cli) printHistogram(buckets []record.Bucket) {
	const width = 50
	highest := 1
	var pairs []record.Bucket
	for two := range slices.Chunk(buckets, 2) {
		b := two[0]
		if len(two) > 1 {
			b.Count += two[1].Count
		}
		pairs, highest = append(pairs, b), max(highest, b.Count)
	}
	for _, b := range pairs {
		bar := strings.Repeat("█", b.Count*width/highest)
		if bar == "" && b.Count > 0 {
			bar = "▏"
		}
		fmt.Fprintf(c.out, "  %9s  %s\n", record.Duration(b.From), bar)
	}
}

func (c *cli) printLoad(name string, l *record.LoadFigure) {
	if l == nil {
		return
	}
	f := figures(l.Took)
	fmt.Fprintf(c.out, "\n%s: %.0f requests a second were due, %.0f answered; p50 %s, p90 %s, p99 %s, max %s from when each was due",
		name, l.Rate, l.Achieved, f[0], f[1], f[2], f[3])
	if l.Failed > 0 {
		fmt.Fprintf(c.out, "; %d failed", l.Failed)
	}
	if l.Unsent > 0 {
		fmt.Fprintf(c.out, "; %d were not sent, as too many waited", l.Unsent)
	}
	fmt.Fprintln(c.out)
}

// measuring shows how far a benchmark is: with a bar on a terminal, in plain lines
// elsewhere.
type measuring struct {
	c    *cli
	bar  *progressbar.ProgressBar // nil where there is no terminal
	last string
}

func newMeasuring(c *cli) *measuring {
	m := &measuring{c: c}
	if c.errTerminal {
		m.bar = progressbar.NewOptions(100,
			progressbar.OptionSetWriter(c.err), progressbar.OptionFullWidth(), progressbar.OptionThrottle(redraw), progressbar.OptionClearOnFinish())
	}
	return m
}

// at tells what is done, and which part of it is over.
func (m *measuring) at(what string, done float64) {
	if m.bar != nil {
		m.bar.Describe(escape(what))
		_ = m.bar.Set(int(100 * done)) // what a bar fails to draw is no reason to fail
		return
	}
	phase, _, _ := strings.Cut(what, ":")
	if phase != m.last {
		m.last = phase
		fmt.Fprintln(m.c.err, escape(phase)+"…")
	}
}

func (m *measuring) stop() {
	if m.bar != nil {
		_ = m.bar.Clear()
		m.bar = nil
	}
}
