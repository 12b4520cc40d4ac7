package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/space"
)

// foundPage is what is known of a request, by the error id that its visitor saw.
type foundPage struct {
	ID      string
	App     space.AppName
	Micro   string
	Request *requestLine
	Code    space.Code
	Report  *reports.Report
	Lines   []logLine
}

// maxFound bounds the lines that are shown of a request.
const maxFound = 500

// find looks a request up by its id.
func (c *console) find(w http.ResponseWriter, r *http.Request) error {
	id := strings.TrimSpace(r.URL.Query().Get("id"))
	if id == "" {
		return back(w, "/")
	}
	body := foundPage{ID: id}
	if key, request, ok := c.Activity.Find(space.RequestID(id)); ok {
		body.requested(key.App, key.Micro, request)
	}
	for _, app := range c.Registry.Apps() {
		if body.App != "" && body.App != app.App.Name {
			continue
		}
		if err := c.readOf(r, app.App.Name, &body); err != nil {
			return err
		}
		if body.App != "" {
			break
		}
	}
	status := http.StatusOK
	if body.App == "" {
		status = http.StatusNotFound
	}
	c.show(w, r, "found", status, "Request "+id, body)
	return nil
}

func (p *foundPage) requested(app space.AppName, micro string, request activity.Request) {
	line := lineOf(request)
	p.App, p.Micro, p.Request = app, micro, &line
	if request.Code != "" {
		p.Code = request.Code
	}
}

// readOf adds what an app's report and its log have of the request.
func (c *console) readOf(r *http.Request, app space.AppName, body *foundPage) error {
	report, err := c.Reports.Get(app, body.ID)
	switch {
	case err == nil:
		body.App, body.Micro, body.Code, body.Report = app, report.Micro, report.Code, &report
	case !errors.Is(err, reports.ErrNotFound):
		return err
	}
	query := logs.Query{Request: body.ID, Last: maxFound}
	return c.Logs.Read(r.Context(), string(app), query, func(e logs.Entry) error {
		body.App, body.Micro = app, e.Micro
		if e.Code != "" {
			body.Code = space.Code(e.Code)
		}
		switch {
		case e.HTTP == nil:
			body.Lines = append(body.Lines, logLineOf(e))
		case body.Request == nil: // it is not among the newest any more
			body.requested(app, e.Micro, requestOf(e))
		}
		return nil
	})
}

// requestOf is a request as the log has it.
func requestOf(e logs.Entry) activity.Request {
	took := time.Duration(e.HTTP.TookMS * float64(time.Millisecond))
	return activity.Request{
		ID: space.RequestID(e.Request), Time: e.Time.Add(-took), Method: e.HTTP.Method, Path: e.HTTP.Path, Status: e.HTTP.Status, Bytes: e.HTTP.Bytes,
		Code: space.Code(e.Code), Took: took, Start: space.Start(e.HTTP.Start), Fuel: e.HTTP.Fuel, Memory: int64(e.HTTP.Memory),
	}
}

// Stack, Said and Header are of the report, with what would hide something made visible.

// Stack is where the program was.
func (p foundPage) Stack() string { return visible(strings.Join(p.Report.Stack, "\n")) }

// Said is what the program wrote last, of a request whose log is gone.
func (p foundPage) Said() string { return visible(strings.Join(p.Report.Log, "\n")) }

// Target is what was asked for, without the values of its query.
func (p foundPage) Target() string {
	return visible(p.Report.Request.Method + " " + p.Report.Request.Target)
}

// Header is what the visitor sent with it, secrets masked.
func (p foundPage) Header() string {
	var b strings.Builder
	for _, h := range p.Report.Request.Headers {
		b.WriteString(visible(h.Name + ": " + h.Value + "\n"))
	}
	return b.String()
}

// measures words what was used of something, and what might be.
func measures(m reports.Measure, kind string) string {
	word := func(n uint64) string {
		switch kind {
		case "time":
			return formatTook(time.Duration(n) * time.Millisecond)
		case "bytes":
			return formatBytes(int64(n))
		}
		return formatCount(n)
	}
	if kind == "time" && m.Used == 0 {
		return "< 1 ms of " + word(m.Limit)
	}
	if m.Limit == 0 {
		return word(m.Used)
	}
	return word(m.Used) + " of " + word(m.Limit) + share(m)
}

// share is how much of a limit was used, where that is worth saying.
func share(m reports.Measure) string {
	const worth = 50
	if percent := m.Used * 100 / m.Limit; percent >= worth {
		return ", " + strconv.FormatUint(percent, 10) + " %"
	}
	return ""
}
