package space

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	// maxSpacefile bounds the text of a Spacefile, in bytes.
	maxSpacefile = 64 << 10
	// maxName and maxDescription bound an app's name and an action's description, in
	// characters.
	maxName        = 12
	maxDescription = 142
)

// decoder walks the YAML tree by hand, because a decoder into structs reports
// neither the key nor every fault.
type decoder struct {
	faults []Fault
}

// place is where in the file something stands, line and column from 1; zero is nowhere.
type place struct{ line, column int }

func at(n *yaml.Node) place { return place{n.Line, n.Column} }

func (d *decoder) fault(where place, key, format string, args ...any) {
	d.faults = append(d.faults, Fault{
		File: SpacefileName, Line: where.line, Column: where.column, Key: key, Message: fmt.Sprintf(format, args...),
	})
}

func (d *decoder) spacefile(text []byte) *Spacefile {
	file := &Spacefile{AutoPWA: true}
	root := d.document(text)
	if root == nil {
		return file
	}
	version := false
	d.mapping(root, "", map[string]func(*yaml.Node, string){
		"v": func(n *yaml.Node, key string) {
			version = true
			if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Value != "0" {
				d.fault(at(n), key, "want 0, the only version there is")
			}
		},
		"icon":     func(n *yaml.Node, key string) { file.Icon = checked(d, n, key, cleanSrc) },
		"app_name": func(n *yaml.Node, key string) { file.Name = checked(d, n, key, atMost(maxName)) },
		"auto_pwa": func(n *yaml.Node, key string) { file.AutoPWA = d.boolean(n, key) },
		"micros":   func(n *yaml.Node, key string) { file.Micros = d.micros(n, key) },
	})
	if !version {
		d.fault(at(root), "v", "is missing; write `v: 0`")
	}
	if len(file.Micros) == 0 && len(d.faults) == 0 {
		d.fault(at(root), "micros", "is missing or empty; an app has 1 to %d micros", MaxMicros)
	}
	return file
}

// document parses text to the root mapping, or reports why it cannot.
func (d *decoder) document(text []byte) *yaml.Node {
	if len(text) > maxSpacefile {
		d.fault(place{}, "", "is larger than %d KiB", maxSpacefile>>10)
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0):
		d.fault(place{line: 1}, "", "is empty")
		return nil
	case err != nil:
		d.fault(place{line: yamlLine(err)}, "", "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.fault(place{}, "", "holds more than one YAML document")
		return nil
	}
	return doc.Content[0]
}

// yamlLine finds the line number in a parser's message, 0 if it has none.
func yamlLine(err error) int {
	m := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(err.Error())
	if m == nil {
		return 0
	}
	line, _ := strconv.Atoi(m[1])
	return line
}

// mapping calls the reader of each key of n. Unknown keys and keys that come
// twice are faults.
func (d *decoder) mapping(n *yaml.Node, under string, readers map[string]func(*yaml.Node, string)) {
	if n.Kind != yaml.MappingNode {
		d.fault(at(n), under, "want a mapping of keys to values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := name.Value
		if under != "" {
			key = under + "." + key
		}
		read := readers[name.Value]
		switch {
		case read == nil:
			d.fault(at(name), key, "unknown key%s", d.known(readers))
		case seen[name.Value]:
			d.fault(at(name), key, "is given twice")
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			d.fault(at(value), key, "anchors and aliases are not supported")
		default:
			read(value, key)
		}
		seen[name.Value] = true
	}
}

func (d *decoder) known(readers map[string]func(*yaml.Node, string)) string {
	keys := make([]string, 0, len(readers))
	for k := range readers {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return "; known here: " + strings.Join(keys, ", ")
}

// blamed tells whether a fault was found at key already.
func (d *decoder) blamed(key string) bool {
	return slices.ContainsFunc(d.faults, func(f Fault) bool { return f.Key == key })
}

func (d *decoder) name(n *yaml.Node, key string) string {
	s := d.text(n, key)
	if s != "" && (len(s) > 64 || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`).MatchString(s)) {
		d.fault(at(n), key, "%q: want at most 64 letters, digits, hyphens and underscores, a letter or digit first", s)
	}
	return s
}

func (d *decoder) text(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		d.fault(at(n), key, "want a text")
		return ""
	}
	return n.Value
}

// maybe reads a text that may be empty.
func (d *decoder) maybe(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		d.fault(at(n), key, "want a text")
		return ""
	}
	return n.Value
}

func (d *decoder) boolean(n *yaml.Node, key string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.fault(at(n), key, "want true or false")
		return false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
}

// checked reads a text and passes it through parse, whose error is the fault.
func checked[T any](d *decoder, n *yaml.Node, key string, parse func(string) (T, error)) T {
	var zero T
	s := d.text(n, key)
	if s == "" {
		return zero
	}
	value, err := parse(s)
	if err != nil {
		d.fault(at(n), key, "%v", err)
		return zero
	}
	return value
}

// atMost reads a text of so many characters.
func atMost(n int) func(string) (string, error) {
	return func(s string) (string, error) {
		if utf8.RuneCountInString(s) > n {
			return "", fmt.Errorf("has %d characters; there may be %d", utf8.RuneCountInString(s), n)
		}
		return s, nil
	}
}

// list reads each item of a list of 1 to most; most 0 has no bound.
func list[T any](d *decoder, n *yaml.Node, key string, most int, read func(n *yaml.Node, key string) T) []T {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || (most > 0 && len(n.Content) > most) {
		want := "want a list of at least one"
		if most > 0 {
			want = fmt.Sprintf("want a list of 1 to %d", most)
		}
		d.fault(at(n), key, "%s", want)
		return nil
	}
	items := make([]T, len(n.Content))
	for i, item := range n.Content {
		items[i] = read(item, fmt.Sprintf("%s[%d]", key, i))
	}
	return items
}

// unique reads a list of texts, each of which comes once.
func unique(d *decoder, n *yaml.Node, key string, parse func(string) (string, error)) []string {
	seen := map[string]bool{}
	return list(d, n, key, 0, func(n *yaml.Node, key string) string {
		s := checked(d, n, key, parse)
		if s != "" && seen[s] {
			d.fault(at(n), key, "%q is in the list twice", s)
		}
		seen[s] = true
		return s
	})
}
