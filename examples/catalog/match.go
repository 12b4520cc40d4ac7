package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	minPrefix = 3  // characters of a word that finds longer ones too; the index has prefixes of three
	maxWords  = 12 // of a search
)

// common words say little of a book, and nearly all books have them.
const common = " a an and as at by for from in is it of on or the to was with "

// wanted is a word, or a phrase, of what a visitor looks for.
type wanted struct {
	text   string
	phrase bool
}

// words takes apart what was typed, as the index has taken apart the books: letters and
// digits are words, all else is between them. What stands in quotation marks is a phrase.
func words(typed string) (all []wanted) {
	typed = strings.ToValidUTF8(typed, " ")
	parts := strings.FieldsFunc(typed, func(r rune) bool { return !strings.ContainsRune(`"“”„`, r) && !inWord(r) && !unicode.IsSpace(r) })
	typed = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`).Replace(strings.Join(parts, " "))
	for i, part := range strings.Split(typed, `"`) {
		each := strings.Fields(part)
		// A mark that is never closed begins no phrase.
		if i%2 == 1 && len(each) > 1 && i < strings.Count(typed, `"`) {
			all = append(all, wanted{strings.Join(each, " "), true})
			continue
		}
		for _, word := range each {
			all = append(all, wanted{text: word})
		}
	}
	return all
}

func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || unicode.Is(unicode.Co, r)
}

// expression is a query of FTS5 for all of the words, in books on the subject; "" where
// neither is given. There is nothing in it of FTS5's syntax that is not of our making.
func expression(all []wanted, subject string) string {
	var terms []string
	if subject != "" {
		terms = append(terms, "subjects : "+quoted(subject))
	}
	rare := rareWords(all)
	for _, w := range rare {
		term := quoted(w.text)
		if !w.phrase && utf8.RuneCountInString(w.text) >= minPrefix {
			term += " *"
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, " AND ")
}

// rareWords leaves the common words out, unless there are no others.
func rareWords(all []wanted) (rare []wanted) {
	for _, w := range all {
		if w.phrase || !strings.Contains(common, " "+strings.ToLower(w.text)+" ") {
			rare = append(rare, w)
		}
	}
	if len(rare) == 0 {
		return all
	}
	return rare
}

// quoted is a string of FTS5 (https://www.sqlite.org/fts5.html#full_text_query_syntax).
func quoted(s string) string {
	return `"` + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", " "), `"`, `""`) + `"`
}
