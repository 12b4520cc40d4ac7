package host

import (
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/schedule"
)

// journal writes what has become of requests into the logs of their apps, why they failed
// into the reports, and the newest of them into the book that the console shows.
type journal struct {
	logs    *logs.Store
	reports *reports.Store
	book    *activity.Book
}

var _ gateway.Journal = journal{}

// Answered implements [gateway.Journal].
func (j journal) Answered(v *gateway.Visit) {
	app := v.App.App.Name
	entry := logs.Entry{
		Time: v.Began.Add(v.Took), Micro: v.Micro, Request: string(v.ID),
		HTTP: &logs.Exchange{
			Method: v.Method, Path: v.Path, Status: v.Status, Bytes: v.Bytes, TookMS: float64(v.Took.Microseconds()) / 1e3,
			Start: string(v.Usage.Start), Fuel: v.Usage.Fuel, Memory: v.Usage.Memory,
		},
	}
	if v.Err != nil {
		entry.Code = string(v.Err.Code)
	}
	j.logs.Note(string(app), entry)
	if v.Micro == "" {
		return
	}
	j.book.Note(activity.KeyOf(v.App.App, v.Micro), requestOf(v))
	if v.Err == nil {
		return
	}
	j.failed(schedule.Failure{
		App: v.App, Micro: v.Micro, ID: v.ID, Began: v.Began, Took: v.Took, Request: v.Inner, Usage: v.Usage, Err: v.Err,
	})
}

// failed reports a request, or the call of an action, that has failed.
func (j journal) failed(f schedule.Failure) {
	app, revision := f.App.App.Name, f.App.Revision.Number
	j.reports.Note(app, f.Micro, revision, f.Err.Code, func() *reports.Failure {
		return &reports.Failure{
			App: app, Micro: f.Micro, Revision: revision, ID: f.ID, Began: f.Began, Took: f.Took,
			Request: f.Request, Usage: f.Usage, Err: f.Err, Secrets: f.App.Secrets,
		}
	})
}

// requestOf is what the console shows of a request.
func requestOf(v *gateway.Visit) activity.Request {
	u := v.Usage
	request := activity.Request{
		ID: v.ID, Revision: v.App.Revision.Number, Time: v.Began, Method: v.Method, Path: v.Path, Status: v.Status, Bytes: v.Bytes, Took: v.Took,
		Start: u.Start, Queue: u.Queue, Begin: u.Made, Run: u.Run, Fuel: u.Fuel, Memory: int64(u.Memory),
	}
	if v.Err != nil {
		request.Code = v.Err.Code
	}
	return request
}

// openReports opens the reports, without those of apps that are no more.
func (h *Host) openReports(apps map[string]bool) error {
	config := reports.DefaultConfig(filepath.Join(h.config.Data, "reports"))
	config.Room = h.reserve.Take
	// A disk that is full would be told of with each report.
	config.OnError = seldom(time.Minute, func(err error) { h.config.Logger.Error("cannot keep a report", "error", err) })
	var err error
	if h.reports, err = reports.Open(config); err != nil {
		return err
	}
	if err := h.reports.Sweep(apps); err != nil {
		h.config.Logger.Warn("cannot remove the reports of removed apps", "error", err)
	}
	return nil
}

// seldom passes an error on unless there was one a moment before. It is for one
// goroutine at a time.
func seldom(pause time.Duration, tell func(error)) func(error) {
	var last time.Time
	return func(err error) {
		if now := time.Now(); now.Sub(last) >= pause {
			last = now
			tell(err)
		}
	}
}
