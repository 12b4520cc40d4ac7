package space_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/host/space"
)

func TestParseAppName(t *testing.T) {
	long := strings.Repeat("a", 40)
	for name, ok := range map[string]bool{
		"a": true, "0": true, "a-b": true, "my-app2": true, long: true, "a--b": true,
		"": false, long + "a": false, "-a": false, "a-": false, "A": false, "a_b": false, "a.b": false, "ä": false, "a b": false, "a\n": false,
		"api": false, "www": false, "console": false,
	} {
		got, err := space.ParseAppName(name)
		if (err == nil) != ok || (ok && string(got) != name) || (!ok && got != "") {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
}

func TestSuggestAppName(t *testing.T) {
	for from, want := range map[string]string{
		"hello":                          "hello",
		"My Project_1.2":                 "my-project-1-2",
		"--Über--":                       "ber",
		strings.Repeat("a", 39) + "-bbb": strings.Repeat("a", 39),
		strings.Repeat("ab", 40):         strings.Repeat("ab", 20),
		"":                               "",
		"...":                            "",
		"API":                            "", // reserved
	} {
		got, err := space.SuggestAppName(from)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", from, got, err, want)
		}
	}
}

// Every code has the status that the specification promises.
func TestStatus(t *testing.T) {
	for code, want := range map[space.Code]int{
		space.CodeBadRequest: 400, space.CodeUnauthorized: 401, space.CodeForbidden: 403, space.CodeNotFound: 404,
		space.CodeMethodNotAllowed: 405, space.CodePayloadTooLarge: 413, space.CodeMisdirected: 421, space.CodeRefused: 422,
		space.CodeQueueFull: 429, space.CodeClientGone: 499, space.CodeInternal: 500, space.CodeUpgradeUnsupported: 501,
		space.CodeCrashed: 502, space.CodeExited: 502, space.CodeOutOfMemory: 502, space.CodeBadResponse: 502,
		space.CodeResponseTooLarge: 502, space.CodeNodeFull: 503, space.CodePreparing: 503, space.CodeDeadline: 504, "unheard of": 500,
	} {
		if got := code.Status(); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
	}
}

func TestFaultString(t *testing.T) {
	for want, f := range map[string]space.Fault{
		"m":            {Message: "m"},
		"f: m":         {File: "f", Message: "m"},
		"f:2: m":       {File: "f", Line: 2, Message: "m"},
		"f:2: k: m":    {File: "f", Line: 2, Key: "k", Message: "m"},
		"k: m":         {Line: 2, Key: "k", Message: "m"},
		"f: k[0].x: m": {File: "f", Key: "k[0].x", Message: "m"},
	} {
		if got := f.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRefuse(t *testing.T) {
	one := space.Refuse(space.Fault{File: "f", Line: 1, Message: "m"})
	if one.Code != space.CodeRefused || one.Message != "f:1: m" || len(one.Faults) != 1 {
		t.Errorf("got %+v", one)
	}
	two := space.Refuse(space.Fault{Message: "a"}, space.Fault{Message: "b"})
	if two.Message != "2 faults:\na\nb" || len(two.Faults) != 2 {
		t.Errorf("got %+v", two)
	}
}

func TestAsError(t *testing.T) {
	if space.AsError(nil) != nil {
		t.Error("nil became an error")
	}
	e := space.Errorf(space.CodeDeadline, "after %d", 3)
	if got := space.AsError(fmt.Errorf("wrapped: %w", e)); got != e || e.Message != "after 3" {
		t.Errorf("got %v", got)
	}
	cause := errors.New("disk on fire")
	got := space.AsError(cause)
	if got.Code != space.CodeInternal || !errors.Is(got, cause) || strings.Contains(got.Message, "fire") || !strings.Contains(got.Error(), "fire") {
		t.Errorf("got %v with the message %q", got, got.Message)
	}
}

// What is shown holds nothing that is internal.
func TestProblem(t *testing.T) {
	e := &space.Error{
		Code: space.CodeCrashed, Message: "the program crashed", Detail: "secret stack", Err: errors.New("secret cause"),
		Faults: []space.Fault{{File: "f", Line: 2, Key: "k", Message: "m"}},
	}
	got, err := json.Marshal(e.Problem("id1"))
	want := `{"type":"about:blank","title":"Bad Gateway","status":502,"detail":"the program crashed","code":"crashed","error_id":"id1",` +
		`"faults":[{"file":"f","line":2,"key":"k","message":"m"}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestRequestID(t *testing.T) {
	seen := map[space.RequestID]bool{}
	for range 1000 {
		id := space.NewRequestID()
		if seen[id] || !regexp.MustCompile(`^[a-z2-7]{20}$`).MatchString(string(id)) {
			t.Fatalf("got %q", id)
		}
		seen[id] = true
	}
	ctx := space.WithRequestID(context.Background(), "x")
	if space.RequestIDOf(ctx) != "x" || space.RequestIDOf(context.Background()) != "" {
		t.Error("the context does not carry the id")
	}
}

// The numbers of Deta Space.
func TestDefaultLimits(t *testing.T) {
	l := space.DefaultLimits()
	if l.Timeout.Seconds() != 20 || l.Memory != 536_870_912 || l.Tmp != 536_870_912 || l.Payload != 5_767_168 || l.Bundle != 262_144_000 || l.Queue != 64 || l.QueueWait.Seconds() != 5 {
		t.Errorf("got %+v", l)
	}
	if (space.Micro{Primary: true}).Type() != "primary" || (space.Micro{}).Type() != "normal" {
		t.Error("wrong type of a Micro")
	}
}
