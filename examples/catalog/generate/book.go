package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

const (
	thisYear     = 2025 // of the youngest books; not the clock's, so that each run makes the same
	firstBorn    = 1790
	booksPerHead = 6
)

// author writes about few things, in few languages.
type author struct {
	id            int
	given, family string
	born, died    int // died is 0 of those who live
	country       country
	subjects      []subject
}

func (a *author) name() string { return a.given + " " + a.family }

type book struct {
	id, author, year, pages             int
	title, language, shelf, description string
	subjects                            []string
	details                             details
	votes                               [5]int // for one star to five
}

// details are the book's JSON. What does not apply is not there.
type details struct {
	Publisher      string  `json:"publisher"`
	Place          string  `json:"place"`
	Binding        string  `json:"binding"`
	HeightMM       int     `json:"height_mm"`
	Copies         int     `json:"copies"`
	Illustrations  int     `json:"illustrations,omitempty"`
	TranslatedFrom string  `json:"translated_from,omitempty"`
	Series         *series `json:"series,omitempty"`
}

type series struct {
	Name   string `json:"name"`
	Number int    `json:"number"`
}

// maker makes the same books whenever it is asked for as many.
type maker struct {
	*words
	*rand.Rand
	authors []author
}

// newMaker begins with the authors, of whom there are the more the more books there are.
func newMaker(w *words, books int) *maker {
	m := &maker{words: w, Rand: rand.New(rand.NewPCG(1605, 1615))}
	for id := range max(1, books/booksPerHead) {
		m.authors = append(m.authors, m.author(id+1))
	}
	return m
}

func (m *maker) author(id int) author {
	from := pick(m, m.countries)
	a := author{id: id, country: from, given: pick(m, from.given), family: pick(m, from.families)}
	if m.chance(25) { // a second name, or there were too many of the same name
		if second := pick(m, from.given); second != a.given {
			a.given += " " + second
		}
	}
	if m.chance(12) { // who has two countries
		a.family += "-" + pick(m, pick(m, m.countries).families)
	}
	// More authors are of our time than of any other.
	a.born = firstBorn + int(208*math.Sqrt(m.Float64()))
	if died := a.born + 38 + m.IntN(57); died < thisYear {
		a.died = died
	}
	for n := 1 + m.IntN(3); len(a.subjects) < n; {
		if s := m.subject(); s.since < a.last() {
			a.subjects = append(a.subjects, s)
		}
	}
	return a
}

// last is the year of the last book: something is left among the papers.
func (a *author) last() int {
	if a.died == 0 {
		return thisYear
	}
	return min(thisYear, a.died+2)
}

// subject is one of all, fiction more often than its part of them.
func (m *maker) subject() subject {
	if m.chance(35) {
		fiction := slices.IndexFunc(m.subjects, subject.fiction)
		return pick(m, m.subjects[fiction:])
	}
	return pick(m, m.subjects)
}

func (m *maker) book(id int) book {
	// Few authors have written much.
	a := &m.authors[int(float64(len(m.authors))*math.Pow(m.Float64(), 1.35))]
	s := pick(m, a.subjects)
	first := max(s.since, a.born+22)
	b := book{id: id, author: a.id, year: first + m.IntN(max(1, a.last()-first+1)), subjects: m.about(a, s)}
	t := text{maker: m, author: a, subject: s}
	b.title = t.title()
	b.description = t.description()
	b.pages = int(min(1400, max(24, 280*math.Exp(m.NormFloat64()*0.45))))
	b.shelf = s.shelf + " " + shelfMark(a.family)
	b.language = pick(m, a.country.languages)
	b.details = m.details(s, b.year)
	b.votes = m.votes()
	if m.chance(35) && b.language != "English" {
		b.details.TranslatedFrom, b.language = b.language, "English"
	} else if m.chance(10) {
		if other := pick(m, pick(m, m.countries).languages); other != b.language {
			b.details.TranslatedFrom, b.language = b.language, other
		}
	}
	return b
}

// about is the book's subject, and what else it is about.
func (m *maker) about(a *author, main subject) []string {
	names := []string{main.name}
	for range m.IntN(4) {
		other := pick(m, a.subjects)
		if m.chance(50) {
			other = pick(m, m.subjects)
		}
		if other.since < a.last() && other.fiction() == main.fiction() && !slices.Contains(names, other.name) {
			names = append(names, other.name)
		}
	}
	return names
}

func (m *maker) details(s subject, year int) details {
	from := pick(m, m.countries)
	d := details{
		Publisher: pick(m, from.families) + " " + pick(m, []string{"Press", "& Sons", "Verlag", "Books", "Editions", "House", "& Daughters"}),
		Place:     pick(m, from.places), Binding: "hardback", HeightMM: 165 + m.IntN(140), Copies: 1 + int(m.ExpFloat64()*1.3),
	}
	if year > 1935 && m.chance(60) {
		d.Binding = "paperback"
	}
	if m.chance(30) && s.shelf != "F36" {
		d.Illustrations = 1 + m.IntN(240)
	}
	if m.chance(15) {
		d.Series = &series{pick(m, m.lists["series"]), 1 + m.IntN(90)}
	}
	return d
}

// votes are none for three books of ten, and for few of the others many.
func (m *maker) votes() (votes [5]int) {
	if m.chance(30) {
		return votes
	}
	total := 1 + int(math.Exp(m.NormFloat64()*1.4+2.6))
	middle := 3.7 + m.NormFloat64()*0.6
	var weights [5]float64
	sum := 0.0
	for i := range weights {
		d := float64(i+1) - middle
		weights[i] = math.Exp(-d * d / 1.6)
		sum += weights[i]
	}
	for i := range votes {
		votes[i] = int(math.Round(float64(total) * weights[i] / sum))
	}
	return votes
}

// shelfMark is three letters of a name.
func shelfMark(family string) string {
	letters := []rune(strings.ToUpper(strings.NewReplacer("'", "", " ", "", "-", "").Replace(family)))
	return string(letters[:min(3, len(letters))])
}

// chance is true in so many of a hundred.
func (m *maker) chance(percent int) bool { return m.IntN(100) < percent }

func pick[T any](m *maker, of []T) T { return of[m.IntN(len(of))] }
