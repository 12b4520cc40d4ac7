package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// text writes a book's title and what it is about.
type text struct {
	*maker
	author  *author
	subject subject
}

func (t text) word(list string) string { return pick(t.maker, t.lists[list]) }

// term is what the subject is about. The books of a subject have its words in common,
// so that who searches for one of them finds those.
func (t text) term() string { return pick(t.maker, t.subject.terms) }

// terms are two, or three that differ.
func (t text) terms(n int) string {
	var all []string
	for len(all) < n {
		if one := t.term(); !strings.Contains(strings.Join(all, ", "), one) {
			all = append(all, one)
		}
	}
	return strings.Join(all[:n-1], ", ") + " and " + all[n-1]
}

// place is most often in the author's country.
func (t text) place() string {
	if t.chance(65) {
		return pick(t.maker, t.author.country.places)
	}
	return pick(t.maker, pick(t.maker, t.countries).places)
}

func (t text) person() string {
	if t.chance(70) {
		return pick(t.maker, t.author.country.given)
	}
	return pick(t.maker, pick(t.maker, t.countries).given)
}

func (t text) title() string {
	if t.subject.fiction() {
		return titled(t.story())
	}
	return titled(t.study())
}

func (t text) story() string {
	switch t.IntN(13) {
	case 0, 1:
		return "the " + t.word("adjective") + " " + t.word("noun")
	case 2:
		return "the " + t.word("noun") + " of " + t.place()
	case 3:
		return "the " + t.word("occupation") + " of " + t.place()
	case 4:
		return t.person() + " and the " + t.word("noun")
	case 5:
		return t.article(t.word("noun")) + " in " + t.place()
	case 6:
		return "the " + t.word("adjective") + " " + t.word("occupation")
	case 7:
		return t.person() + "'s " + t.word("noun")
	case 8:
		return "the " + t.word("noun") + " and the " + t.word("noun")
	case 9:
		return "the last " + t.word("noun")
	case 10:
		return t.term()
	case 11:
		return "the " + t.word("noun") + " beyond " + t.place()
	default:
		return t.word("adjective") + " " + t.word("noun")
	}
}

func (t text) study() string {
	switch t.IntN(13) {
	case 0, 1:
		return t.terms(2)
	case 2:
		return t.term() + " in " + t.place()
	case 3:
		return t.term() + " " + t.word("scope")
	case 4:
		return t.term() + ": " + t.word("question")
	case 5:
		return t.article(t.word("approach")) + " of " + t.term()
	case 6:
		return "the " + t.word("adjective") + " " + t.word("noun") + ": " + t.terms(2)
	case 7:
		return t.subject.name + " " + t.word("scope")
	case 8:
		return "an introduction to " + t.subject.name
	case 9:
		return "the " + t.word("noun") + " and the " + t.word("noun") + ": " + t.subject.name + " in " + t.place()
	case 10:
		return "essays on " + t.term()
	case 11:
		return "the " + t.subject.name + " of " + t.place()
	default:
		return "on " + t.term()
	}
}

// description is one to three sentences.
func (t text) description() string {
	var sentences []string
	if t.subject.fiction() {
		sentences = append(sentences, t.plot())
		if t.chance(60) {
			sentences = append(sentences, t.word("turn"))
		}
	} else {
		sentences = append(sentences, t.matter())
		if t.chance(45) {
			sentences = append(sentences, "It asks "+t.word("question")+", and finds the answer in "+t.place()+".")
		}
		if t.chance(50) {
			sentences = append(sentences, t.word("virtue"))
		}
	}
	return strings.Join(sentences, " ")
}

func (t text) plot() string {
	if t.subject.name == "Poetry" {
		return "Poems of " + t.terms(3) + ", most of them written in " + t.place() + "."
	}
	switch t.IntN(4) {
	case 0:
		return "In " + t.place() + ", " + t.article(t.word("occupation")) + " " + t.word("deed") + " " + t.term() + " and has to " + t.word("task") + "."
	case 1:
		return t.person() + ", " + t.article(t.word("adjective")+" "+t.word("occupation")) + " from " + t.place() + ", " + t.word("deed") + " " +
			t.article(t.word("noun")) + "; " + t.term() + " changes everything."
	case 2:
		return "It begins with " + t.term() + " and " + t.term() + ". Before the year is over, " + t.person() + " and " + t.article(t.word("occupation")) + " must " + t.word("task") + "."
	default:
		return "A " + t.word("quality") + " tale of " + t.terms(2) + ": " + t.article(t.word("occupation")) + " leaves " + t.place() + " to " + t.word("task") + "."
	}
}

func (t text) matter() string {
	switch t.IntN(4) {
	case 0:
		return capital(t.article(t.word("quality")+" "+t.word("approach"))) + " of " + t.terms(3) + " " + t.word("scope") + "."
	case 1:
		from, to := t.place(), t.place()
		for to == from {
			to = t.place()
		}
		return "From " + from + " to " + to + ", the author follows " + t.terms(2) + " " + t.word("scope") + "."
	case 2:
		return capital(t.terms(3)) + ": " + t.article(t.word("quality")+" "+t.word("approach")) + " by " + t.article(t.word("occupation")) + " from " + t.place() + "."
	default:
		return "What " + t.terms(2) + " have to do with " + t.article(t.word("adjective")+" "+t.word("noun")) + " is the question of this " + t.word("quality") + " " + t.word("approach") + "."
	}
}

// article puts a or an before what does not begin with one.
func (t text) article(s string) string {
	if strings.ContainsRune("aeiou", unicode.ToLower(rune(s[0]))) {
		return "an " + s
	}
	return "a " + s
}

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// small words of a title are not written large.
const small = " a an the of in on and to from as at by for with without after before under over through between that it who what why how is "

func titled(s string) string {
	all := strings.Fields(s)
	for i, word := range all {
		first := i == 0 || strings.HasSuffix(all[i-1], ":")
		if first || !strings.Contains(small, " "+word+" ") {
			all[i] = capital(word)
		}
	}
	return strings.Join(all, " ")
}
