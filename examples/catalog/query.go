package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	pageSize = 20
	maxPage  = 50  // who wants more than a thousand books has not searched yet
	maxText  = 200 // characters of a search
	maxName  = 60  // characters of a subject or language
	maxYear  = 9999
)

// query is what a visitor asks for.
type query struct {
	Text, Subject, Language, Sort string
	From, To                      int // years; 0 where none is given
	Page                          int // from 1 on

	words []wanted
}

// parseQuery reads the parameters of a search. Its problems are sentences.
func parseQuery(v url.Values) (q query, problems []string) {
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	text := func(name string, most int) string {
		s := strings.TrimSpace(strings.ToValidUTF8(v.Get(name), "\uFFFD"))
		if utf8.RuneCountInString(s) > most {
			complain("Please use %d characters at most.", most)
			return string([]rune(s)[:most])
		}
		return s
	}
	number := func(name, called string, most int) int {
		s := strings.TrimSpace(v.Get(name))
		if s == "" {
			return 0
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > most {
			complain("%s is a whole number from 1 to %d.", called, most)
			return 0
		}
		return n
	}
	q = query{Text: text("q", maxText), Subject: text("subject", maxName), Language: text("language", maxName)}
	q.From, q.To = number("from", "The first year", maxYear), number("to", "The last year", maxYear)
	q.Page = max(1, number("page", "The page", maxPage))
	switch q.Sort = cmp.Or(v.Get("sort"), "best"); q.Sort {
	case "best", "new", "old":
	default:
		q.Sort = "best"
		complain("The order is one of best, new and old.")
	}
	if q.To != 0 && q.From > q.To {
		complain("The years end before they begin.")
	}
	q.words = words(q.Text)
	if len(q.words) > maxWords {
		complain("Please search for %d words at most.", maxWords)
	}
	if q.Text != "" && len(q.words) == 0 {
		complain("Please type a letter or a digit at least: signs alone are not searched.")
	}
	return q, problems
}

// empty tells whether nothing is searched for: a language and years alone find nothing.
func (q query) empty() bool { return q.Text == "" && q.Subject == "" }

// filtered tells whether a match is not enough.
func (q query) filtered() bool {
	return q.Subject != "" || q.Language != "" || q.From != 0 || q.To != 0
}

// Link is the address of the same search with some parameters changed, as pairs of name
// and value. It begins again at its first page, unless told another.
func (q query) Link(changes ...string) (string, error) {
	if len(changes)%2 != 0 {
		return "", fmt.Errorf("link: %q are no pairs", changes)
	}
	all := map[string]string{"q": q.Text, "subject": q.Subject, "language": q.Language, "from": year(q.From), "to": year(q.To), "sort": q.Sort}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i]] = changes[i+1]
	}
	v := url.Values{}
	for name, value := range all {
		if value != "" && (name != "sort" || value != "best") {
			v.Set(name, value)
		}
	}
	return "/?" + v.Encode(), nil
}

// year is empty for none.
func year(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
