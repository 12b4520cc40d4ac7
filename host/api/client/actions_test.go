package client_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/api/wire"
)

func TestActionCalls(t *testing.T) {
	var asked []string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
		switch {
		case r.Method == http.MethodPost:
			answer(w, 200, "application/json", wire.Ran{Run: wire.Run{Body: "done"}})
		case r.Method == http.MethodPatch:
			answer(w, 200, "application/json", wire.Action{ID: "tick"})
		case strings.HasSuffix(r.URL.Path, "/runs"):
			answer(w, 200, "application/json", wire.Runs{Runs: []wire.Run{{Run: 7}}})
		default:
			answer(w, 200, "application/json", wire.Actions{Actions: []wire.Action{{ID: "tick"}}})
		}
	})
	ctx, off := t.Context(), false
	actions, err1 := c.Actions(ctx, "shop", 0)
	_, err2 := c.Actions(ctx, "shop", 10)
	runs, err3 := c.Runs(ctx, "shop", client.RunQuery{Micro: "web", Action: "a:b.c", Limit: 5, Log: true})
	_, err4 := c.Runs(ctx, "shop", client.RunQuery{})
	ran, err5 := c.RunAction(ctx, "shop", "web", "a:b.c")
	changed, err6 := c.ChangeAction(ctx, "shop", "web", "tick", wire.ActionChange{Enabled: &off})
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	if actions.Actions[0].ID != "tick" || runs.Runs[0].Run != 7 || ran.Run.Body != "done" || changed.ID != "tick" {
		t.Errorf("got %v, %v, %v, %v", actions, runs, ran, changed)
	}
	want := []string{
		"GET /api/v1/apps/shop/actions", "GET /api/v1/apps/shop/actions?next=10",
		"GET /api/v1/apps/shop/actions/runs?action=a%3Ab.c&limit=5&log=true&micro=web", "GET /api/v1/apps/shop/actions/runs",
		"POST /api/v1/apps/shop/actions/web/a:b.c/run", `PATCH /api/v1/apps/shop/actions/web/tick {"enabled":false}`,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q\nwant %q", asked, want)
	}
	// What is no name would address something else.
	_, err1 = c.Actions(ctx, "..", 0)
	_, err2 = c.RunAction(ctx, "shop", "..", "tick")
	_, err3 = c.RunAction(ctx, "shop", "web", "")
	_, err4 = c.ChangeAction(ctx, "shop", "web", ".", wire.ActionChange{})
	for i, err := range []error{err1, err2, err3, err4} {
		if err == nil {
			t.Errorf("call %d was sent", i)
		}
	}
	if len(asked) != len(want) {
		t.Errorf("asked %q", asked[len(want):])
	}
}
