package console

import (
	"net/http"
	"strings"

	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// foundPage is what is known of a request, by the error id that its visitor saw.
type foundPage struct {
	ID      string
	App     space.AppName
	Micro   string
	Request *requestLine
	Code    space.Code
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
		line := lineOf(request)
		body.App, body.Micro, body.Request, body.Code = key.App, key.Micro, &line, request.Code
	}
	for _, app := range c.Registry.Apps() {
		if body.App != "" && body.App != app.App.Name {
			continue
		}
		if err := c.readOf(r, app, &body); err != nil {
			return err
		}
		if len(body.Lines) > 0 {
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

// readOf adds what the log of an app has of the request.
func (c *console) readOf(r *http.Request, app *registry.App, body *foundPage) error {
	return c.Logs.Read(r.Context(), string(app.App.Name), logs.Query{}, func(e logs.Entry) error {
		if e.Request != body.ID || len(body.Lines) >= maxFound {
			return nil
		}
		body.App, body.Micro = app.App.Name, e.Micro
		if e.Code != "" {
			body.Code = space.Code(e.Code)
		}
		body.Lines = append(body.Lines, logLineOf(e))
		return nil
	})
}
