package host

import (
	"net/http"
	"path/filepath"
	"time"

	"github.com/spacewasm/spacewasm/host/activity"
	"github.com/spacewasm/spacewasm/host/gateway"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/reports"
	"github.com/spacewasm/spacewasm/host/schedule"
	"github.com/spacewasm/spacewasm/host/space"
)

// journal writes what has become of requests, and of the calls of actions, into the logs of
// their apps, why they failed into the reports, and the newest of them into the book that
// the console shows.
type journal struct {
	logs    *logs.Store
	reports *reports.Store
	book    *activity.Book
}

var _ schedule.Journal = journal{}

// Called implements [schedule.Journal].
func (j journal) Called(v *schedule.Visit) {
	j.write(&gateway.Visit{
		ID: v.Run.Request, App: v.App, Micro: v.Run.Action.Micro, Method: http.MethodPost, Path: v.Path, Status: v.Status, Bytes: v.Bytes,
		Began: v.Began, Took: v.Took, Inner: v.Inner, Usage: v.Usage, Err: v.Err,
	}, v.Run.Trigger)
}

// write writes down a request, or the call of an action that something has triggered.
func (j journal) write(v *gateway.Visit, trigger space.Trigger) {
	app := v.App.App.Name
	entry := logs.Entry{
		Time: v.Began.Add(v.Took), Micro: v.Micro, Request: string(v.ID),
		HTTP: &logs.Exchange{
			Method: v.Method, Path: v.Path, Status: v.Status, Bytes: v.Bytes, TookMS: float64(v.Took.Microseconds()) / 1e3,
			Start: string(v.Usage.Start), Fuel: v.Usage.Fuel, Memory: v.Usage.Memory, Trigger: string(trigger),
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
	if v.Err == nil && v.Status < http.StatusInternalServerError {
		return
	}
	code := space.CodeAnswered
	if v.Err != nil {
		code = v.Err.Code
	}
	j.reports.Note(app, v.Micro, v.App.Revision.Number, code, func() *reports.Failure { return failureOf(v) })
}

// failureOf is what a report is made of: of an error, or of what the Micro has answered
// itself.
func failureOf(v *gateway.Visit) *reports.Failure {
	f := &reports.Failure{
		App: v.App.App.Name, Micro: v.Micro, Revision: v.App.Revision.Number, ID: v.ID, Began: v.Began, Took: v.Took,
		Request: v.Inner, Usage: v.Usage, Err: v.Err, Secrets: v.App.Secrets,
	}
	if f.Err == nil {
		f.Status, f.Err = v.Status, space.Errorf(space.CodeAnswered, "the Micro answered %d itself", v.Status)
		if v.Usage.Words != nil {
			f.Err.Words = v.Usage.Words()
		}
	}
	f.Usage.Words = nil // or the log would be kept with it
	return f
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
