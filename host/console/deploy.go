package console

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/spacewasm/spacewasm/host/access"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/deploy"
	"github.com/spacewasm/spacewasm/host/registry"
	"github.com/spacewasm/spacewasm/host/space"
)

// maxName bounds the field of the form that names the app, in bytes.
const maxName = 1 << 10

// deploy takes a module or a bundle from the form: the app's name, which may be empty, and
// then the file. A script that accepts events is told of each step.
func (c *console) deploy(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, c.BundleLimit*space.MaxMicros+maxName)
	stop := c.cutWhenDraining(w)
	defer stop()
	name, file, err := readForm(r)
	if err != nil {
		return c.refuseUpload(w, r, "", err)
	}
	upload, err := uploadOf(name, file)
	if err != nil {
		return c.refuseUpload(w, r, upload.App, err)
	}
	upload.Author = access.OwnerOf(r.Context())
	ctx := r.Context()
	if !wantsEvents(r) {
		app, err := c.Deployer.Push(ctx, upload)
		if err != nil {
			return c.refuseUpload(w, r, upload.App, err)
		}
		return back(w, pathOf(app.App.Name)+"?deployed")
	}
	events := newStream(w, "application/x-ndjson", `{"event":"heartbeat"}`+"\n")
	defer events.end()
	ctx = deploy.WithProgress(ctx, func(e deploy.Event) { events.json(wire.EventOf(e)) })
	app, err := c.Deployer.Push(ctx, upload)
	if err != nil && !events.begun() {
		return c.refuseUpload(w, r, upload.App, err)
	}
	events.json(c.outcome(r, app, err))
	return nil
}

// readForm reads up to the file.
func readForm(r *http.Request) (name string, file *multipart.Part, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return "", nil, &space.Error{Code: space.CodeBadRequest, Message: "the form is to be sent as multipart/form-data", Err: err}
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return "", nil, space.Errorf(space.CodeBadRequest, "there is no file in the form: choose one")
		}
		if err != nil {
			return "", nil, &space.Error{Code: space.CodeBadRequest, Message: "the upload broke off: send it again", Err: err}
		}
		switch part.FormName() {
		case "app":
			text, err := io.ReadAll(io.LimitReader(part, maxName))
			if err != nil {
				return "", nil, &space.Error{Code: space.CodeBadRequest, Message: "the upload broke off: send it again", Err: err}
			}
			name = strings.TrimSpace(string(text))
		case "file":
			return name, part, nil
		}
	}
}

// uploadOf finds out by its first bytes what a file is, and by its name for what app it is
// where nobody said.
func uploadOf(name string, file *multipart.Part) (deploy.Upload, error) {
	u := deploy.Upload{}
	base := path.Base(strings.ReplaceAll(file.FileName(), `\`, "/"))
	if base == "." || base == "/" {
		return u, space.Errorf(space.CodeBadRequest, "there is no file in the form: choose one")
	}
	var err error
	if name != "" {
		u.App, err = space.ParseAppName(name)
	} else {
		stem, _, _ := strings.Cut(base, ".")
		u.App, err = space.SuggestAppName(stem)
	}
	if err != nil {
		return deploy.Upload{}, space.Errorf(space.CodeBadRequest, "%v", err)
	}
	body := bufio.NewReader(file)
	first, _ := body.Peek(4) // what cannot be read is told by who reads it
	switch {
	case bytes.HasPrefix(first, []byte("\x00asm")):
		u.Media = "application/wasm"
	case bytes.HasPrefix(first, []byte("PK")):
		u.Media = "application/zip"
	case bytes.HasPrefix(first, []byte("\x1f\x8b")):
		u.Media = "application/gzip"
	default:
		return u, space.Errorf(space.CodeRefused,
			"%.80q is no WebAssembly module, no zip and no tar.gz: build a .wasm for WASI, or pack a folder that has a Spacefile", base)
	}
	u.Body = body
	return u, nil
}

// wantsEvents tells a script from a form.
func wantsEvents(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Accept"), "application/x-ndjson")
}

// outcome is the last event.
func (c *console) outcome(r *http.Request, app *registry.App, err error) wire.Event {
	if err == nil {
		return wire.Event{Event: wire.EventDone, App: &wire.App{
			App: string(app.App.Name), Revision: app.Revision.Number, URL: c.URL(app.App.Name), Created: app.Revision.Created,
		}}
	}
	e := space.AsError(err)
	id := space.RequestIDOf(r.Context())
	if e.Code == space.CodeInternal {
		c.Logger.Error("console failed", "request", id, "error", e.Err)
	}
	problem := e.Problem(string(id))
	return wire.Event{Event: wire.EventError, Problem: &problem}
}

type refusedPage struct {
	App space.AppName
	errorPage
}

// refuseUpload says what is wrong with an upload, where the next can be sent at once.
func (c *console) refuseUpload(w http.ResponseWriter, r *http.Request, app space.AppName, err error) error {
	e := *space.AsError(err)
	e.Unread = true // the rest of it
	if wantsEvents(r) || e.Code == space.CodeInternal {
		return &e
	}
	w.Header().Set("Connection", "close")
	w.Header().Set("X-Space-Error", string(e.Code))
	problem := e.Problem(string(space.RequestIDOf(r.Context())))
	c.show(w, r, "deployed", e.Code.Status(), "Not deployed",
		refusedPage{App: app, errorPage: errorPage{Problem: problem, Lines: strings.Split(e.Message, "\n")}})
	return nil
}

func pathOf(app space.AppName) string { return "/apps/" + string(app) }
