package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

const (
	shownRequests = 30
	shownLines    = 200
)

// microPage is a Micro with what it does.
type microPage struct {
	App      space.AppName
	URL      string
	Revision int
	Micro    space.Micro
	Health   health
	State    space.State
	Usage    space.Usage
	Spark    spark
	Requests []requestLine
	Latency  latencyTable
	Plots    plots
	Lines    []logLine
	Filter   filter
	Live     string // where the page follows it
	Cold     *coldRow
	ColdAt   string // where that is measured
}

// filter is which lines of a log are wanted.
type filter struct{ Text, Source string }

func filterOf(r *http.Request) filter {
	q := r.URL.Query()
	f := filter{Text: q.Get("q"), Source: q.Get("source")}
	if f.Source != logs.SourceGuest && f.Source != logs.SourcePlatform {
		f.Source = ""
	}
	return f
}

// query asks for a Micro's lines that match. What has the form of a request's id is one.
func (f filter) query(micro string) logs.Query {
	q := logs.Query{Micro: micro, Sources: []string{logs.SourceGuest, logs.SourcePlatform}}
	if f.Source != "" {
		q.Sources = []string{f.Source}
	}
	if len(f.Text) == len(space.NewRequestID()) && !strings.ContainsFunc(f.Text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		q.Request = f.Text
	} else {
		q.Text = f.Text
	}
	return q
}

// requestLine and logLine are what a page shows of a request and of a log, at first and
// by its script: JSON has the same names.
type requestLine struct {
	Time   string `json:"time"`
	When   string `json:"when"`
	ID     string `json:"id"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Failed bool   `json:"failed"`
	Code   string `json:"code"`
	Start  string `json:"start"`
	Took   string `json:"took"`
	Fuel   string `json:"fuel"`
	Memory string `json:"memory"`
}

type logLine struct {
	Time    string `json:"time"`
	When    string `json:"when"`
	Request string `json:"request"`
	Source  string `json:"source"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func lineOf(r activity.Request) requestLine {
	line := requestLine{
		Time: formatStamp(r.Time), When: formatWhen(r.Time), ID: string(r.ID), Method: visible(r.Method), Path: visible(r.Path), Status: r.Status,
		Failed: r.Failed(), Start: string(r.Start), Took: formatTook(r.Took), Fuel: "–", Memory: "–",
	}
	if r.Code != "" {
		line.Code = r.Code.Words()
	}
	if r.Fuel > 0 {
		line.Fuel = formatCount(r.Fuel)
	}
	if r.Memory > 0 {
		line.Memory = formatBytes(r.Memory)
	}
	return line
}

func logLineOf(e logs.Entry) logLine {
	return logLine{
		Time: formatStamp(e.Time), When: formatWhen(e.Time), Request: e.Request, Source: e.Source, Code: visible(e.Code),
		Message: strings.TrimRight(visible(e.Message), "\n"),
	}
}

// visible shows control characters instead of doing what they say: a browser would hide
// some, and what is hidden can be pasted into a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ':
			return '␀' + r
		case r == 0x7f:
			return '␡'
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r >= 0x80 && r <= 0x9f: // turn text round, or the like
			return '\uFFFD'
		}
		return r
	}, s)
}

// routeOf is the live Micro of the path.
func (c *console) routeOf(r *http.Request) (*registry.App, registry.Route, error) {
	app, err := c.appOf(r)
	if err != nil {
		return nil, registry.Route{}, err
	}
	name := r.PathValue("micro")
	for _, route := range app.Routes {
		if route.Micro.Name == name {
			return app, route, nil
		}
	}
	if i := slices.IndexFunc(app.Revision.Micros, func(m space.Micro) bool { return m.Name == name }); i >= 0 {
		return app, registry.Route{Micro: app.Revision.Micros[i]}, nil // of an app that does not run
	}
	return nil, registry.Route{}, space.Errorf(space.CodeNotFound, "the app %q has no Micro %.80q", app.App.Name, name)
}

// micro shows a Micro.
func (c *console) micro(w http.ResponseWriter, r *http.Request) error {
	app, route, err := c.routeOf(r)
	if err != nil {
		return err
	}
	key := activity.KeyOf(app.App, route.Micro.Name)
	recent, latency := c.Activity.Recent(key)
	body := microPage{
		App: app.App.Name, URL: strings.TrimSuffix(c.URL(app.App.Name), "/") + route.Micro.Path, Revision: app.Revision.Number, Micro: route.Micro,
		Health: isPreparing, Spark: newSpark(c.Activity.Hour(key)), Filter: filterOf(r),
		Latency: newLatencyTable(latency), Plots: newPlots(latency, recent),
	}
	if app.Failed != "" {
		body.Health = isBroken
	}
	if route.Server != nil {
		body.Health, body.State = c.health(app, route)
		body.Usage = route.Server.Usage()
	}
	for _, request := range recent[:min(len(recent), shownRequests)] {
		body.Requests = append(body.Requests, lineOf(request))
	}
	lines, since, err := c.lines(r.Context(), app.App.Name, route.Micro.Name, body.Filter)
	if err != nil {
		return err
	}
	body.Lines = lines
	if body.Cold, err = c.newestCold(r, app, route); err != nil {
		return err
	}
	body.ColdAt = coldPath(app, route)
	query := url.Values{"q": {body.Filter.Text}, "source": {body.Filter.Source}, "since": {since.Format(time.RFC3339Nano)}}
	body.Live = pathOf(app.App.Name) + "/micros/" + url.PathEscape(route.Micro.Name) + "/live?" + query.Encode()
	c.show(w, r, "micro", http.StatusOK, route.Micro.Name+" · "+string(app.App.Name), body)
	return nil
}

// lines are the newest of a Micro's log, the oldest first, and when the log goes on.
func (c *console) lines(ctx context.Context, app space.AppName, micro string, f filter) (lines []logLine, next time.Time, err error) {
	next = c.Now()
	query := f.query(micro)
	query.Last = shownLines
	err = c.Logs.Read(ctx, string(app), query, func(e logs.Entry) error {
		lines = append(lines, logLineOf(e))
		if !e.Time.Before(next) {
			next = e.Time.Add(1)
		}
		return nil
	})
	return lines, next, err
}

// live follows a Micro: its requests and the lines of its log, as server-sent events.
func (c *console) live(w http.ResponseWriter, r *http.Request) error {
	app, route, err := c.routeOf(r)
	if err != nil {
		return err
	}
	since := r.Header.Get("Last-Event-ID")
	if since == "" {
		since = r.URL.Query().Get("since")
	}
	from, err := time.Parse(time.RFC3339Nano, since)
	if err != nil {
		from = c.Now()
	}
	wanted := filterOf(r)
	return c.follow(w, r, func(ctx context.Context, s *stream) {
		ctx, cancel := context.WithCancel(ctx)
		var both sync.WaitGroup
		both.Go(func() {
			defer cancel()
			_ = c.Activity.Follow(ctx, activity.KeyOf(app.App, route.Micro.Name), func(fresh []activity.Request) error {
				for _, request := range fresh {
					if err := s.event("request", "", lineOf(request)); err != nil {
						return err
					}
				}
				return nil
			})
		})
		both.Go(func() {
			defer cancel()
			query := wanted.query(route.Micro.Name)
			query.Since, query.Follow = from, true
			_ = c.Logs.Read(ctx, string(app.App.Name), query, func(e logs.Entry) error {
				return s.event("log", e.Time.Add(1).Format(time.RFC3339Nano), logLineOf(e))
			})
		})
		both.Wait()
	})
}

// plots are what the page's script draws, as JSON.
type plots struct{ Latency, Requests string }

// newPlots makes them of how often each start took how long, and of the newest requests.
func newPlots(latency activity.Latency, recent []activity.Request) plots {
	var p plots
	if len(latency) > 0 {
		table := newLatencyTable(latency)
		p.Latency = marshal(table)
	}
	series := struct {
		Time   []float64 `json:"time"`
		Fuel   []uint64  `json:"fuel"`
		Memory []int64   `json:"memory"`
	}{}
	for _, r := range slices.Backward(recent) {
		if r.Start == "" { // nothing ran
			continue
		}
		series.Time = append(series.Time, float64(r.Time.UnixMilli())/1e3)
		series.Fuel = append(series.Fuel, r.Fuel)
		series.Memory = append(series.Memory, r.Memory)
	}
	if len(series.Time) > 0 {
		p.Requests = marshal(series)
	}
	return p
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // of our own types none fails
	}
	return string(text)
}

// latencyTable is how often each start took how long, without the buckets at either end
// that nothing fell into.
type latencyTable struct {
	Starts []space.Start `json:"starts"`
	Rows   []latencyRow  `json:"rows"`
}

type latencyRow struct {
	Below  string `json:"below"`
	Counts []int  `json:"counts"`
}

func newLatencyTable(latency activity.Latency) latencyTable {
	var t latencyTable
	for _, start := range []space.Start{space.StartReset, space.StartClone, space.StartLoad} {
		if _, ok := latency[start]; ok {
			t.Starts = append(t.Starts, start)
		}
	}
	for i := range activity.Buckets {
		row := latencyRow{Below: formatTook(activity.BucketEnd(i))}
		sum := 0
		for _, start := range t.Starts {
			n := latency[start][i]
			sum += n
			row.Counts = append(row.Counts, n)
		}
		if sum > 0 || len(t.Rows) > 0 {
			t.Rows = append(t.Rows, row)
		}
	}
	for len(t.Rows) > 0 && slices.Max(t.Rows[len(t.Rows)-1].Counts) == 0 {
		t.Rows = t.Rows[:len(t.Rows)-1]
	}
	return t
}
