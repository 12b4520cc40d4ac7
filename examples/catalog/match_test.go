package main

import (
	"strings"
	"testing"
)

func TestExpression(t *testing.T) {
	for _, c := range []struct{ typed, subject, want string }{
		{"lighthouse", "", `"lighthouse" *`},
		{"lighthouse keeper", "", `"lighthouse" * AND "keeper" *`},
		{"Lighthouse-keeper's", "", `"Lighthouse" * AND "keeper" * AND "s"`},
		{"on the sea", "", `"sea" *`},
		{"the", "", `"the" *`},
		{"to be", "", `"be"`},
		{`"to be"`, "", `"to be"`},
		{`“coral reefs” lisbon`, "", `"coral reefs" AND "lisbon" *`},
		{`"coral`, "", `"coral" *`},
		{`never "closed phrase`, "", `"never" * AND "closed" * AND "phrase" *`},
		{`"one" two`, "", `"one" * AND "two" *`},
		{"title:x OR NOT (NEAR/2)", "", `"title" * AND "x" AND "NOT" * AND "NEAR" * AND "2"`},
		{"{a b}: ^c + -d*", "", `"b" AND "c" AND "d"`},
		{"a\x00b\xffc", "", `"b" AND "c"`},
		{"Évora 東京 naı\u0308ve", "", `"Évora" * AND "東京" AND "naı` + "\u0308" + `ve" *`},
		{"*** '';--", "", ""},
		{"", "Poetry", `subjects : "Poetry"`},
		{"rain", `A "B" : C`, `subjects : "A ""B"" : C" AND "rain" *`},
		{"", "\x00", `subjects : " "`},
	} {
		if got := expression(words(c.typed), c.subject); got != c.want {
			t.Errorf("%q on %q:\ngot  %s\nwant %s", c.typed, c.subject, got, c.want)
		}
	}
}

func TestPieces(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"plain":                        "plain",
		"\x02all\x03":                  "[all]",
		"a \x02b\x03 c \x02d\x03":      "a [b] c [d]",
		"a \x02never closed":           "a [never closed]",
		"closed\x03 and never opened.": "closed\x03 and never opened.",
	} {
		var b strings.Builder
		for _, p := range pieces(text) {
			if p.Marked {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		if b.String() != want {
			t.Errorf("%q: got %q, want %q", text, b.String(), want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 120_000: "120,000", 1_234_567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}
