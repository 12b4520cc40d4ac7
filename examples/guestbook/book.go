package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	maxEntries = 20  // in one book; the oldest go first
	maxName    = 40  // characters
	maxMessage = 280 // characters
)

// entry is one line of the book. The JSON names are short because the book lives in a cookie.
type entry struct {
	Name    string `json:"n"`
	Message string `json:"m"`
	Unix    int64  `json:"t"`
}

// Time is when the entry was written, in UTC.
func (e entry) Time() time.Time { return time.Unix(e.Unix, 0).UTC() }

// newEntry cleans what a visitor typed. It may still have problems.
func newEntry(name, message string, now time.Time) entry {
	return entry{Name: cleanName(name), Message: cleanMessage(message), Unix: now.Unix()}
}

// problems is what the visitor has to correct, in sentences; empty when the entry can be kept.
func (e entry) problems() (sentences []string) {
	for _, field := range []struct {
		name, value string
		most        int
	}{{"name", e.Name, maxName}, {"message", e.Message, maxMessage}} {
		switch n := utf8.RuneCountInString(field.value); {
		case n == 0:
			sentences = append(sentences, fmt.Sprintf("Please write a %s.", field.name))
		case n > field.most:
			sentences = append(sentences, fmt.Sprintf("The %s has %d characters; %d is the most.", field.name, n, field.most))
		}
	}
	return sentences
}

// cleanName makes one line of it.
func cleanName(s string) string {
	return strings.Join(strings.Fields(dropControls(s)), " ")
}

// cleanMessage keeps line breaks, which browsers send as CR LF.
func cleanMessage(s string) string {
	return strings.TrimSpace(dropControls(strings.ReplaceAll(s, "\r\n", "\n")))
}

func dropControls(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
