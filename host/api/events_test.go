package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spacewasm/spacewasm/host/api"
	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

const streams = "application/x-ndjson, application/json;q=0.9"

func eventsOf(t *testing.T, body io.Reader) []wire.Event {
	t.Helper()
	var all []wire.Event
	for decoder := json.NewDecoder(body); ; {
		var e wire.Event
		err := decoder.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// A push tells its client what it is at, and at the end what a plain one answers.
func TestPushEvents(t *testing.T) {
	b := newBench(t)
	ask := func(guest, accept string) *httptest.ResponseRecorder {
		return b.ask(t, http.MethodPut, "/api/v1/apps/app", bytes.NewReader(wasitest.Guest(guest)), "Content-Type", "application/wasm", "Accept", accept)
	}
	rec := ask("hello", streams)
	events := eventsOf(t, rec.Body)
	var said []string
	for _, e := range events {
		said = append(said, strings.TrimSpace(e.Event+" "+e.Micro+" "+e.State))
	}
	want := "received,compile app begin,compile app done,snapshot app begin,snapshot app done,activate,done"
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/x-ndjson" || strings.Join(said, ",") != want {
		t.Fatalf("got %d %v %q", rec.Code, rec.Header(), said)
	}
	last := events[len(events)-1].App
	if events[0].Bytes != int64(len(wasitest.Guest("hello"))) || events[2].MS <= 0 || events[4].Reason == "" || last == nil || last.Revision != 1 || len(last.Micros) != 1 {
		t.Errorf("got %+v", events)
	}

	// What is refused after the upload is a problem at the end of the events.
	rec = ask("noentry", streams)
	events = eventsOf(t, rec.Body)
	if p := events[len(events)-1].Problem; rec.Code != http.StatusOK || p == nil || p.Code != space.CodeRefused || p.Status != 422 || len(p.Faults) == 0 || p.ErrorID != "the-id" {
		t.Errorf("got %d %+v", rec.Code, events)
	}

	// Nobody else gets events: all that clients of before knew stays as it was.
	for _, accept := range []string{"", "*/*", "application/json", "application/json, application/x-ndjson, application/problem+json"} {
		rec := ask("hello", accept)
		if app := decode[wire.App](t, rec); rec.Code != http.StatusCreated || app.App != "app" || rec.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: got %d %v", accept, rec.Code, rec.Header())
		}
		wantProblem(t, accept, ask("noentry", accept), space.CodeRefused)
	}
}

// What is refused before the upload is whole is refused plainly.
func TestPushEventsRefusedBefore(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		target, authorization string
		body                  io.Reader
		code                  space.Code
	}{
		"no token":  {"/api/v1/apps/app", "", unread{t}, space.CodeUnauthorized},
		"bad name":  {"/api/v1/apps/No_App", "Bearer token", unread{t}, space.CodeBadRequest},
		"too large": {"/api/v1/apps/app", "Bearer token", bytes.NewReader(append(wasitest.Guest("hello"), make([]byte, 60<<10)...)), space.CodePayloadTooLarge},
		"no bundle": {"/api/v1/apps/app", "Bearer token", strings.NewReader("text"), space.CodeRefused},
	} {
		rec := b.ask(t, http.MethodPut, c.target, c.body, "Accept", streams, "Authorization", c.authorization)
		wantProblem(t, name, rec, c.code)
	}
}

// While nothing happens a line comes every few seconds, and none after the end.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := httptest.NewRecorder()
		s := api.NewEventStream(rec)
		time.Sleep(time.Minute)
		if s.Streams() || rec.Body.Len() > 0 {
			t.Error("it begins by itself")
		}
		s.Send(wire.Event{Event: wire.EventReceived})
		time.Sleep(31 * time.Second)
		s.Send(wire.Event{Event: wire.EventCompile})
		time.Sleep(4 * time.Second)
		s.End()
		s.Send(wire.Event{Event: wire.EventDone})
		time.Sleep(time.Minute)
		var said []string
		for _, e := range eventsOf(t, rec.Body) {
			said = append(said, e.Event)
		}
		if got := strings.Join(said, " "); got != "received"+strings.Repeat(" heartbeat", 6)+" compile done" {
			t.Errorf("got %s", got)
		}
	})
}
