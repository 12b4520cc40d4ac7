package main

import (
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

//go:embed words/*.txt
var wordFiles embed.FS

// words is what books are made of.
type words struct {
	subjects  []subject
	countries []country
	lists     map[string][]string
}

// subject is what a book is about.
type subject struct {
	shelf, name string
	since       int // the year before which nobody wrote on it; 0 of most
	terms       []string
}

func (s subject) fiction() bool { return strings.HasPrefix(s.shelf, "F") }

// country is where an author is from.
type country struct {
	name                               string
	languages, places, given, families []string
}

// listNames are the lists that the grammar asks for.
const listNames = "adjective quality noun occupation deed task turn virtue approach scope question series"

func loadWords() (*words, error) {
	w := &words{lists: map[string][]string{}}
	for _, f := range w.files() {
		text, err := wordFiles.ReadFile("words/" + f.name)
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := f.add(line); err != nil {
				return nil, fmt.Errorf("words/%s:%d: %w", f.name, number, err)
			}
		}
	}
	for name := range strings.FieldsSeq(listNames) {
		if len(w.lists[name]) == 0 {
			return nil, fmt.Errorf("words/words.txt has no list %q", name)
		}
	}
	return w, nil
}

type wordFile struct {
	name string
	add  func(line string) error
}

func (w *words) files() []wordFile {
	return []wordFile{{"subjects.txt", w.addSubject}, {"places.txt", w.addCountry}, {"words.txt", w.addList}}
}

func (w *words) addSubject(line string) error {
	f, err := fields(line, 3)
	if err != nil {
		return err
	}
	s := subject{shelf: f[0], name: f[1], terms: strings.Split(f[2], ", ")}
	if shelf, year, ok := strings.Cut(f[0], " "); ok {
		s.shelf = shelf
		if s.since, err = strconv.Atoi(year); err != nil {
			return err
		}
	}
	w.subjects = append(w.subjects, s)
	return nil
}

func (w *words) addCountry(line string) error {
	f, err := fields(line, 5)
	if err != nil {
		return err
	}
	split := func(i int) []string { return strings.Split(f[i], ", ") }
	w.countries = append(w.countries, country{f[0], split(1), split(2), split(3), split(4)})
	return nil
}

func (w *words) addList(line string) error {
	name, list, ok := strings.Cut(line, ": ")
	if !ok {
		return fmt.Errorf("%q is no list with a name before it", line)
	}
	w.lists[name] = strings.Split(list, ", ")
	return nil
}

// fields takes a line apart, none of which may be empty.
func fields(line string, n int) ([]string, error) {
	all := strings.Split(line, " | ")
	if len(all) != n || slices.Contains(all, "") {
		return nil, fmt.Errorf("want %d fields with | between them, got %d", n, len(all))
	}
	return all, nil
}
