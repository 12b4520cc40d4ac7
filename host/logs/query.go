package logs

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Query says which entries of an app to read. The zero value is all there are now of what was said, without the requests.
type Query struct {
	Micro string    // of this Micro only, unless empty
	Since time.Time // not older than this
	Until time.Time // older than this, unless zero
	Text  string    // whose message or code has this in it, in whatever case
	// Status is what requests were answered with; those that it selects are requests.
	Status Status
	// Sources are those to read. None are all but [SourceRequest]; where Status selects they are that one alone, and
	// with Request they are all.
	Sources []string
	Request string // of the request with this id only, unless empty
	Last    int    // of those there are now, only so many of the newest; 0 is all
	Follow  bool   // wait for more when all are read
}

// AllSources are all sources there are.
func AllSources() []string { return []string{SourceGuest, SourcePlatform, SourceRequest} }

// Status is a range of HTTP statuses, both ends included. The zero value is no condition.
type Status struct{ From, To int }

// ParseStatus reads a status, as 404, or a class of them, as 5xx. The empty text is no condition.
func ParseStatus(text string) (Status, error) {
	if text == "" {
		return Status{}, nil
	}
	if len(text) == 3 && strings.EqualFold(text[1:], "xx") && text[0] >= '1' && text[0] <= '5' {
		first := int(text[0]-'0') * 100
		return Status{first, first + 99}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 || n > 599 {
		return Status{}, fmt.Errorf("status %.20q: want one as 404, or a class as 5xx", text)
	}
	return Status{n, n}, nil
}

func (s Status) has(status int) bool { return s.From <= status && status <= s.To }

// settled fills in the sources.
func (q Query) settled() Query {
	switch {
	case len(q.Sources) > 0:
	case q.Status != Status{}:
		q.Sources = []string{SourceRequest}
	case q.Request != "":
		q.Sources = AllSources()
	default:
		q.Sources = []string{SourceGuest, SourcePlatform}
	}
	q.Text = strings.ToLower(q.Text)
	return q
}

// folders are those of an app that q is about.
func (q Query) folders(app string) []string {
	var all []string
	if slices.ContainsFunc(q.Sources, func(s string) bool { return s != SourceRequest }) {
		all = append(all, app)
	}
	if slices.Contains(q.Sources, SourceRequest) {
		all = append(all, app+requestsSuffix)
	}
	return all
}

// matches is for a query that is settled.
func (q Query) matches(e Entry) bool {
	switch {
	case q.Micro != "" && q.Micro != e.Micro,
		q.Request != "" && q.Request != e.Request,
		e.Time.Before(q.Since),
		!q.Until.IsZero() && !e.Time.Before(q.Until),
		e.Source != "" && !slices.Contains(q.Sources, e.Source),
		q.Status != Status{} && (e.HTTP == nil || !q.Status.has(e.HTTP.Status)):
		return false
	}
	return q.Text == "" || strings.Contains(strings.ToLower(e.Message), q.Text) || strings.Contains(e.Code, q.Text)
}
