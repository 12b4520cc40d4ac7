package binary

// Module is a module taken apart. Its byte slices are parts of the module that was decoded, which must not be written
// to; the rest is the caller's.
type Module struct {
	// Outline is what [Scan] would return.
	Outline *Outline
	// Sections are the sections in the order of the module. [Module.Encode] writes just these: the fields below are
	// read from them, and to change one of those nothing but [Module.Set] counts.
	Sections []Section
	// Globals are the globals that the module defines.
	Globals []Global
	// Elements are the element segments.
	Elements []Element
	// Data are the data segments.
	Data []Data
	// Bodies are the functions that the module defines.
	Bodies []Body
	// FunctionNames are the names that functions have for debugging, in the order of the name section.
	FunctionNames []FunctionName
	// Start is the index of the start function; only meaningful if Outline.HasStart.
	Start uint32

	limits Limits
	set    *instructionSet
}

// Global is a global with its initial value, a constant expression with its end.
type Global struct {
	Init []byte
	Type GlobalType
}

// Element is an element segment (core specification 2.5.7).
type Element struct {
	// Offset is where in Table an active segment is written, a constant expression with its end; nil for others.
	Offset []byte
	// Functions are the entries, as indices of functions; unless they are Expressions, each with its end.
	Functions   []uint32
	Expressions [][]byte
	// Table is the table of an active segment.
	Table uint32
	// Type is that of the entries.
	Type ValType
	// Passive tells whether the segment is there for table.init. One that is neither passive nor active only declares
	// functions that ref.func may name.
	Passive bool

	head []byte // what stands before the vector of entries
}

// Head returns the segment's binary form up to its vector of entries.
func (e *Element) Head() []byte { return e.head }

// Data is a data segment.
type Data struct {
	// Offset is where in memory an active segment is written, a constant expression with its end; nil for a passive one.
	Offset []byte
	// Bytes is what is written.
	Bytes []byte
}

// FunctionName is the name of a function (core specification, appendix 7.4.4).
type FunctionName struct {
	// Name is valid UTF-8.
	Name []byte
	// Index has not been checked to be within range, nor to be the only one.
	Index uint32
}

// Body is a function.
type Body struct {
	// Locals is the binary form of the declared locals.
	Locals []byte
	// Code is the instructions, up to the end that closes the body.
	Code []byte
	// LocalCount is the number of declared locals, parameters not counted.
	LocalCount int
}

// Decode takes a module apart, or says in an [*Error] why it is refused, which it does where [Scan] does. It does not
// panic whatever code holds, takes time linear in its length, allocates at most some 30 times that, and is safe for
// concurrent use. The module refers to code.
func Decode(code []byte, limits Limits) (*Module, error) {
	m := &Module{limits: limits, set: newInstructionSet()}
	out, err := scan(code, limits, m)
	if err != nil {
		return nil, err
	}
	m.Outline = out
	return m, nil
}

// ImportedFunctions returns the number of functions that the module imports, and thereby the index of the first that
// it defines.
func (m *Module) ImportedFunctions() int { return len(m.Outline.funcs) - m.Outline.Functions }

// FuncTypeIndex returns the index in Outline.Types of a function's type, imported functions first; false if there is
// no such function.
func (m *Module) FuncTypeIndex(index uint32) (uint32, bool) {
	if uint64(index) >= uint64(len(m.Outline.funcs)) {
		return 0, false
	}
	return m.Outline.funcs[index], true
}

// Section returns the content of the section with the given identifier, which is not that of custom sections; nil if
// the module has none.
func (m *Module) Section(id SectionID) []byte {
	for _, s := range m.Sections {
		if s.ID == id {
			return s.Content
		}
	}
	return nil
}

// Vector splits the content of a section that is a vector into the number of its elements and their bytes.
func Vector(content []byte) (int, []byte) {
	r := reader{data: content, end: len(content)}
	n := r.u32()
	return int(n), content[r.pos:]
}

// Set replaces the content of the section with the given identifier, which is not that of custom sections; adds the
// section in its place if there is none; and removes it if content is nil.
func (m *Module) Set(id SectionID, content []byte) {
	at := len(m.Sections)
	for i, s := range m.Sections {
		if s.ID == id {
			if content == nil {
				m.Sections = append(m.Sections[:i:i], m.Sections[i+1:]...)
				return
			}
			m.Sections[i] = Section{ID: id, Content: content}
			return
		}
		if s.ID != SectionCustom && s.ID.rank() > id.rank() && i < at {
			at = i
		}
	}
	if content != nil {
		rest := append([]Section{{ID: id, Content: content}}, m.Sections[at:]...)
		m.Sections = append(m.Sections[:at:at], rest...)
	}
}

// Encode returns the binary form of the module's sections. Those that were not replaced come out as they were read,
// byte for byte.
func (m *Module) Encode() []byte {
	const header = 6 // identifier and size
	size := preambleSize
	for _, s := range m.Sections {
		size += header + len(s.Content)
	}
	out := make([]byte, 0, size)
	out = append(out, magic...)
	out = append(out, 1, 0, 0, 0)
	for _, s := range m.Sections {
		if s.raw != nil {
			out = append(out, s.raw...)
			continue
		}
		out = append(out, byte(s.ID))
		out = AppendBytes(out, s.Content)
	}
	return out
}
