package binary

import "strings"

// Provenance is what a module says of its making, in custom sections that anybody can write. It may be a lie, so
// nothing but words for people may hang on it.
type Provenance struct {
	// Languages and Tools are what the section "producers" has as language and processed-by
	// (https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md), in its order; of a component
	// that says nothing itself, what the first of its modules has that does.
	Languages, Tools []Producer
	// Sections are the names of the first custom sections.
	Sections []string
	// CodeBytes, DataBytes, NameBytes and DebugBytes are the sizes of the code, of the data, of the names of functions,
	// and of debugging information (DWARF).
	CodeBytes, DataBytes, NameBytes, DebugBytes int
}

// Producer is a language or a tool. Both words are valid UTF-8 and at most 200 bytes long.
type Producer struct{ Name, Version string }

// ReadProvenance reads as much as there is, also of a module that [Scan] refuses and of a component. It takes time
// linear in the number of sections.
func ReadProvenance(code []byte) Provenance {
	var p Provenance
	if len(code) >= preambleSize && string(code[:len(magic)]) == magic {
		const layer = 6
		p.read(code, code[layer] == 1)
	}
	return p
}

func (p *Provenance) read(code []byte, component bool) {
	const coreModule = 1 // a section of a component
	r := reader{data: code, pos: preambleSize, end: len(code)}
	for r.left() > 0 {
		id, size := r.byte(), int(r.u32())
		if r.err != nil || size > r.left() {
			return
		}
		content := r.data[r.pos : r.pos+size]
		r.skip(size)
		switch {
		case SectionID(id) == SectionCustom:
			p.custom(content)
		case component && id == coreModule && len(p.Tools) == 0:
			var inner Provenance
			inner.read(content, false) // not a component in it, and so on: that would recurse as deep as the file is long
			p.Languages, p.Tools = inner.Languages, inner.Tools
		case component:
		case SectionID(id) == SectionCode:
			p.CodeBytes += size
		case SectionID(id) == SectionData:
			p.DataBytes += size
		}
	}
}

// custom reads a custom section.
func (p *Provenance) custom(content []byte) {
	const most, longest = 64, 100
	r := reader{data: content, end: len(content)}
	name := r.name(longest)
	if r.err != nil {
		return
	}
	if len(p.Sections) < most {
		p.Sections = append(p.Sections, name)
	}
	switch {
	case name == "name":
		p.NameBytes += r.left()
	case strings.HasPrefix(name, ".debug_"):
		p.DebugBytes += r.left()
	case name == "producers" && len(p.Tools) == 0 && len(p.Languages) == 0:
		p.producers(&r)
	}
}

// producers reads the section of that name, up to what is wrong in it.
func (p *Provenance) producers(r *reader) {
	const fields, values, longest, least = 8, 32, 200, 2
	for range r.count("fields", fields, least) {
		field := r.name(longest)
		for range r.count("values", values, least) {
			producer := Producer{Name: r.name(longest), Version: r.name(longest)}
			switch {
			case r.err != nil:
				return
			case field == "language":
				p.Languages = append(p.Languages, producer)
			case field == "processed-by":
				p.Tools = append(p.Tools, producer)
			}
		}
	}
}
