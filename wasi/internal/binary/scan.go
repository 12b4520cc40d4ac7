package binary

// Scan reads the outline of a module, or says in an [*Error] why the module is refused. It does not keep code, does not
// panic whatever code holds, takes time linear in its length, and is safe for concurrent use.
func Scan(code []byte, limits Limits) (*Outline, error) {
	if err := checkPreamble(code); err != nil {
		return nil, err
	}
	s := &scanner{
		reader: reader{data: code, pos: preambleSize, end: len(code)},
		limits: limits,
		set:    newInstructionSet(),
		out:    &Outline{},
	}
	for s.left() > 0 {
		s.nextSection()
	}
	s.finish()
	if s.err != nil {
		return nil, s.err
	}
	return s.out, nil
}

// scanner is one run of Scan.
type scanner struct {
	reader
	limits Limits
	set    *instructionSet
	out    *Outline

	globals        []GlobalType // those that are imported, which constant expressions may read
	rank           int          // of the latest section that is not custom, see sectionRank
	tableEntries   int          // sum of the minima of the tables so far
	elementEntries int          // sum of the entries of the element segments so far
	dataCount      int          // as stated by the data count section
	debugNames     int          // sum of those in the name section so far
	bodies         int          // in the code section
	function       int          // index of the function whose body is being walked
	open           []byte       // opcodes of the constructs that are open in it, its own body first
}

// The identifiers of sections (core specification 5.5.2).
const (
	sectionCustom    = 0
	sectionType      = 1
	sectionImport    = 2
	sectionFunction  = 3
	sectionTable     = 4
	sectionMemory    = 5
	sectionGlobal    = 6
	sectionExport    = 7
	sectionStart     = 8
	sectionElement   = 9
	sectionCode      = 10
	sectionData      = 11
	sectionDataCount = 12
	sectionTag       = 13 // exception handling, not supported
)

// nextSection reads one section, which must be consumed to its last byte.
func (s *scanner) nextSection() {
	at := s.pos
	id := s.byte()
	size := s.u32()
	if s.err != nil {
		return
	}
	if int64(size) > int64(s.left()) {
		s.failAt(at, Truncated, "the %s section claims %d bytes, but only %d are left in the file",
			sectionName(id), size, s.left())
		return
	}
	s.section = sectionName(id)
	s.checkOrder(id, at)
	if s.err != nil {
		return
	}
	outer := s.enter(int(size))
	s.content(id)
	s.leave(outer)
	s.section = ""
}

// checkOrder holds that every section but the custom ones occurs once, in the order of the specification.
func (s *scanner) checkOrder(id byte, at int) {
	if id == sectionCustom {
		return
	}
	rank := sectionRank(id)
	if rank == s.rank {
		s.failAt(at, Malformed, "the section occurs twice")
	} else if rank < s.rank {
		s.failAt(at, Malformed, "the section is out of order")
	}
	s.rank = rank
}

// sectionRank returns the place of a section in the order of a module. It is the order of the identifiers, but for the
// data count section, which was added later and comes before the code that needs it.
func sectionRank(id byte) int {
	switch id {
	case sectionDataCount:
		return sectionCode
	case sectionCode, sectionData:
		return int(id) + 1
	}
	return int(id)
}

// content reads what is in a section.
func (s *scanner) content(id byte) {
	switch id {
	case sectionCustom:
		s.customSection()
	case sectionType:
		s.typeSection()
	case sectionImport:
		s.importSection()
	case sectionFunction:
		s.functionSection()
	case sectionTable:
		s.tableSection()
	case sectionMemory:
		s.memorySection()
	case sectionGlobal:
		s.globalSection()
	case sectionExport:
		s.exportSection()
	case sectionStart:
		s.u32()
		s.out.HasStart = true
	case sectionElement:
		s.elementSection()
	case sectionDataCount:
		s.dataCount = int(s.u32())
		s.out.HasDataCount = true
	case sectionCode:
		s.codeSection()
	case sectionData:
		s.dataSection()
	case sectionTag:
		s.fail(Malformed, "the exception-handling proposal is not supported")
	default:
		s.fail(Malformed, "unknown section id %d", id)
	}
}

// finish checks what only shows once all sections are read.
func (s *scanner) finish() {
	if s.bodies != s.out.Functions {
		s.fail(Malformed, "%d functions are declared, but %d have a body", s.out.Functions, s.bodies)
	}
	if s.out.HasDataCount && s.dataCount != s.out.DataSegments {
		s.fail(Malformed, "%d data segments are declared, but there are %d", s.dataCount, s.out.DataSegments)
	}
}

// sectionName returns the name of a section for messages.
func sectionName(id byte) string {
	names := [...]string{
		"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code",
		"data", "data count", "tag",
	}
	if int(id) >= len(names) {
		return "unknown"
	}
	return names[id]
}
