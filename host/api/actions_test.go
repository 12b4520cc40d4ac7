package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/host/logs"
	"github.com/spacewasm/spacewasm/host/space"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

const actionsSpacefile = `v: 0
micros:
  - name: web
    src: .
    engine: wasm
    actions:
      - {id: tick, name: Tick, trigger: schedule, default_interval: 1 hour}
      - {id: "a:b.c", name: Other, trigger: schedule, default_interval: "0 9 * * *", timezone: Europe/Berlin}
`

// withActions has an app with actions live, and the scheduler run.
func withActions(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	var bundle bytes.Buffer
	z := zip.NewWriter(&bundle)
	for name, content := range map[string]string{"Spacefile": actionsSpacefile, "main.wasm": string(wasitest.Guest("hello"))} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if rec := b.ask(t, http.MethodPut, "/api/v1/apps/app", &bundle, "Content-Type", "application/zip"); rec.Code != http.StatusCreated {
		t.Fatalf("push: got %d %s", rec.Code, rec.Body)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.schedule.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return b
}

const actionsURL = "/api/v1/apps/app/actions"

func TestActions(t *testing.T) {
	b := withActions(t)
	all := decode[wire.Actions](t, b.ask(t, http.MethodGet, actionsURL, nil)).Actions
	if len(all) != 2 || all[0].Micro != "web" || all[0].ID != "tick" || all[0].Interval != "1 hour" || !all[0].Enabled || all[0].Last != nil ||
		all[0].Next == nil || all[0].Next.Location() != time.UTC || all[0].Coming != nil || all[1].Timezone != "Europe/Berlin" {
		t.Errorf("got %+v", all)
	}
	all = decode[wire.Actions](t, b.ask(t, http.MethodGet, actionsURL+"?next=3", nil)).Actions
	if len(all[0].Coming) != 3 || all[0].Coming[2].Sub(all[0].Coming[0]) != 2*time.Hour {
		t.Errorf("got %+v", all[0])
	}
	for _, next := range []string{"0", "101", "x"} {
		wantProblem(t, next, b.ask(t, http.MethodGet, actionsURL+"?next="+next, nil), space.CodeBadRequest)
	}
	wantProblem(t, "no app", b.ask(t, http.MethodGet, "/api/v1/apps/none/actions", nil), space.CodeNotFound)
}

func TestRunAction(t *testing.T) {
	b := withActions(t)
	rec := b.ask(t, http.MethodPost, actionsURL+"/web/tick/run", nil)
	ran := decode[wire.Ran](t, rec)
	if rec.Code != http.StatusOK || ran.Run.State != "ok" || ran.Run.Trigger != "manual" || ran.Run.Status != 200 || !strings.HasPrefix(ran.Run.Body, "hello") ||
		ran.Run.BodyCut || ran.Run.Request == "" {
		t.Fatalf("got %d %+v", rec.Code, ran)
	}
	// "b." is spelt by an escape that it does not need.
	if rec := b.ask(t, http.MethodPost, actionsURL+"/web/a:%62.c/run", nil); rec.Code != http.StatusOK {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
	for _, path := range []string{"/web/none/run", "/none/tick/run", "/web/..%2Ftick/run"} {
		wantProblem(t, path, b.ask(t, http.MethodPost, actionsURL+path, nil), space.CodeNotFound)
	}
	err := b.logs.Append("app",
		logs.Entry{Request: ran.Run.Request, Micro: "web", Source: "guest", Message: "said by it"},
		logs.Entry{Request: "another", Micro: "web", Source: "guest", Message: "said by another"},
		logs.Entry{Request: ran.Run.Request, Micro: "web", Source: "platform", Code: "crashed", Message: strings.Repeat("ä", 1000)})
	if err != nil {
		t.Fatal(err)
	}
	runs := decode[wire.Runs](t, b.ask(t, http.MethodGet, actionsURL+"/runs?log=true", nil)).Runs
	if len(runs) != 2 || runs[0].Action != "a:b.c" || runs[0].Body != "" || len(runs[0].Log) != 0 || len(runs[1].Log) != 2 || runs[1].Log[0] != "said by it" ||
		!strings.HasPrefix(runs[1].Log[1], "crashed: ää") || len(runs[1].Log[1]) > 520 {
		t.Errorf("got %+v", runs)
	}
	if runs := decode[wire.Runs](t, b.ask(t, http.MethodGet, actionsURL+"/runs?action=tick&micro=web&limit=1", nil)).Runs; len(runs) != 1 || runs[0].Log != nil {
		t.Errorf("got %+v", runs)
	}
	for _, query := range []string{"limit=0", "limit=501", "log=perhaps"} {
		wantProblem(t, query, b.ask(t, http.MethodGet, actionsURL+"/runs?"+query, nil), space.CodeBadRequest)
	}
	all := decode[wire.Actions](t, b.ask(t, http.MethodGet, actionsURL, nil)).Actions
	if all[0].Run == nil || all[0].Run.State != "ok" || all[0].Last == nil {
		t.Errorf("got %+v", all[0])
	}
}

func TestChangeAction(t *testing.T) {
	b := withActions(t)
	patch := func(body string) wire.Action {
		t.Helper()
		rec := b.ask(t, http.MethodPatch, actionsURL+"/web/tick", strings.NewReader(body), "Content-Type", "application/json")
		if rec.Code != http.StatusOK {
			t.Fatalf("%s: got %d %s", body, rec.Code, rec.Body)
		}
		return decode[wire.Action](t, rec)
	}
	if a := patch(`{"enabled": false}`); a.Enabled || a.Next != nil {
		t.Errorf("got %+v", a)
	}
	if a := patch(`{"interval": "5 minutes"}`); a.Enabled || a.Interval != "5 minutes" || a.DefaultInterval != "1 hour" {
		t.Errorf("got %+v", a)
	}
	if a := patch(`{"enabled": true, "interval": ""}`); !a.Enabled || a.Interval != "1 hour" || a.Next == nil {
		t.Errorf("got %+v", a)
	}
	for body, code := range map[string]space.Code{
		`{"interval": "5 minute"}`: space.CodeRefused, `{"paused": true}`: space.CodeBadRequest, `{"enabled": "no"}`: space.CodeBadRequest,
	} {
		rec := b.ask(t, http.MethodPatch, actionsURL+"/web/tick", strings.NewReader(body), "Content-Type", "application/json")
		wantProblem(t, body, rec, code)
	}
	wantProblem(t, "none", b.ask(t, http.MethodPatch, actionsURL+"/web/none", unread{t}, "Content-Type", "application/json"), space.CodeNotFound)
}
