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

	"go.yaml.in/yaml/v3"
)

// maxSpacefile bounds the text of a Spacefile, in bytes.
const maxSpacefile = 64 << 10

// decoder walks the YAML tree by hand, because a decoder into structs reports
// neither the key nor every fault.
type decoder struct {
	faults []Fault
}

func (d *decoder) fault(line int, key, format string, args ...any) {
	d.faults = append(d.faults, Fault{File: SpacefileName, Line: line, Key: key, Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) spacefile(text []byte) *Spacefile {
	file := &Spacefile{}
	root := d.document(text)
	if root == nil {
		return file
	}
	version := false
	d.mapping(root, "", map[string]func(*yaml.Node, string){
		"v": func(n *yaml.Node, key string) {
			version = true
			if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Value != "0" {
				d.fault(n.Line, key, "want 0, the only version there is")
			}
		},
		"micros": func(n *yaml.Node, key string) { file.Micros = d.micros(n, key) },
	})
	if !version {
		d.fault(root.Line, "v", "is missing; write `v: 0`")
	}
	if len(file.Micros) == 0 && len(d.faults) == 0 {
		d.fault(root.Line, "micros", "is missing or empty; an app has 1 to %d micros", MaxMicros)
	}
	return file
}

// document parses text to the root mapping, or reports why it cannot.
func (d *decoder) document(text []byte) *yaml.Node {
	if len(text) > maxSpacefile {
		d.fault(0, "", "is larger than %d KiB", maxSpacefile>>10)
		return nil
	}
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0):
		d.fault(1, "", "is empty")
		return nil
	case err != nil:
		d.fault(yamlLine(err), "", "is not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		return nil
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.fault(0, "", "holds more than one YAML document")
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
func (d *decoder) mapping(n *yaml.Node, at string, readers map[string]func(*yaml.Node, string)) {
	if n.Kind != yaml.MappingNode {
		d.fault(n.Line, at, "want a mapping of keys to values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		key := name.Value
		if at != "" {
			key = at + "." + key
		}
		read := readers[name.Value]
		switch {
		case read == nil:
			d.fault(name.Line, key, "unknown key%s", d.known(readers))
		case seen[name.Value]:
			d.fault(name.Line, key, "is given twice")
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			d.fault(value.Line, key, "anchors and aliases are not supported")
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

func (d *decoder) micros(n *yaml.Node, at string) []MicroSpec {
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 || len(n.Content) > MaxMicros {
		d.fault(n.Line, at, "want a list of 1 to %d micros", MaxMicros)
		return nil
	}
	micros := make([]MicroSpec, len(n.Content))
	for i, item := range n.Content {
		micros[i] = d.micro(item, fmt.Sprintf("%s[%d]", at, i))
	}
	return micros
}

func (d *decoder) micro(n *yaml.Node, at string) MicroSpec {
	m := MicroSpec{Line: n.Line}
	d.mapping(n, at, map[string]func(*yaml.Node, string){
		"name":    func(n *yaml.Node, key string) { m.Name = d.name(n, key) },
		"src":     func(n *yaml.Node, key string) { m.Src = checked(d, n, key, cleanSrc) },
		"engine":  func(n *yaml.Node, key string) { m.Engine = d.engine(n, key) },
		"run":     func(n *yaml.Node, key string) { m.Run = checked(d, n, key, splitRun) },
		"primary": func(n *yaml.Node, key string) { m.Primary = d.boolean(n, key) },
		"path":    func(n *yaml.Node, key string) { m.Path = d.text(n, key) },
		"public":  func(n *yaml.Node, key string) { m.Public = d.boolean(n, key) },
	})
	for _, needed := range [][2]string{{"name", m.Name}, {"src", m.Src}, {"engine", m.Engine}} {
		if key := at + "." + needed[0]; needed[1] == "" && !d.blamed(key) {
			d.fault(n.Line, key, "is missing")
		}
	}
	return m
}

// blamed tells whether a fault was found at key already.
func (d *decoder) blamed(key string) bool {
	return slices.ContainsFunc(d.faults, func(f Fault) bool { return f.Key == key })
}

func (d *decoder) name(n *yaml.Node, key string) string {
	s := d.text(n, key)
	if s != "" && (len(s) > 64 || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`).MatchString(s)) {
		d.fault(n.Line, key, "%q: want at most 64 letters, digits, hyphens and underscores, a letter or digit first", s)
	}
	return s
}

func (d *decoder) engine(n *yaml.Node, key string) string {
	s := d.text(n, key)
	if s != "" && s != "wasm" {
		d.fault(n.Line, key, "%q is not supported: compile the program to a WASI module and write `engine: wasm`", s)
	}
	return s
}

func (d *decoder) text(n *yaml.Node, key string) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || n.Value == "" {
		d.fault(n.Line, key, "want a text")
		return ""
	}
	return n.Value
}

func (d *decoder) boolean(n *yaml.Node, key string) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		d.fault(n.Line, key, "want true or false")
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
		d.fault(n.Line, key, "%v", err)
		return zero
	}
	return value
}
