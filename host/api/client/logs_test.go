package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spacewasm/spacewasm/host/api/client"
	"github.com/spacewasm/spacewasm/host/logs"
)

func TestLogs(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var query url.Values
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprintf(w, "{\"message\":\"one\"}\n\n{\"message\":\"two\"}\n")
	})
	var got []string
	collect := func(e logs.Entry) error { got = append(got, e.Message); return nil }
	if err := c.Logs(t.Context(), "a", client.Query{Micro: "m", Since: since}, collect); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, " ") != "one two" {
		t.Errorf("got %q", got)
	}
	if query.Get("micro") != "m" || query.Get("since") != "2026-01-02T03:04:05Z" || query.Has("follow") {
		t.Errorf("asked for %v", query)
	}
	full := client.Query{Until: since, Text: "t&t", Status: "5xx", Source: "all", Request: "id", Limit: 7}
	if err := c.Logs(t.Context(), "a", full, collect); err != nil {
		t.Fatal(err)
	}
	if got, want := query.Encode(), "limit=7&q=t%26t&request=id&source=all&status=5xx&until=2026-01-02T03%3A04%3A05Z"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	stop := errors.New("stop")
	if err := c.Logs(t.Context(), "a", client.Query{}, func(logs.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if err := c.Logs(t.Context(), "a", client.Query{Follow: true}, collect); err == nil {
		t.Error("a followed stream that ended is no success")
	}
}

func TestFollowEndsWithTheContext(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		fmt.Fprintln(w, `{"message":"one"}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := c.Logs(ctx, "a", client.Query{Follow: true}, func(logs.Entry) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
