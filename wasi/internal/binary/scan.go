package binary

// Scan reads the outline of a module, or says in an [*Error] why the module is refused. It does not keep code, does not
// panic whatever code holds, takes time linear in its length, and is safe for concurrent use.
func Scan(code []byte, limits Limits) (*Outline, error) {
	return scan(code, limits, nil)
}

// scan reads a module's outline and, unless it is nil, fills in module.
func scan(code []byte, limits Limits, module *Module) (*Outline, error) {
	if err := checkPreamble(code); err != nil {
		return nil, err
	}
	s := &scanner{
		reader: reader{data: code, pos: preambleSize, end: len(code)},
		limits: limits,
		set:    newInstructionSet(),
		out:    &Outline{},
		module: module,
	}
	for s.left() > 0 {
		s.nextSection()
	}
	s.finish()
	if s.err != nil {
		s.err.Used = s.used
		return nil, s.err
	}
	s.out.Features = s.used
	return s.out, nil
}

// scanner is one run of Scan, Decode or a Walker.
type scanner struct {
	reader
	limits Limits
	set    *instructionSet
	out    *Outline
	module *Module // what Decode fills in; nil otherwise

	globals        []GlobalType // those that are imported, which constant expressions may read
	mutable        []bool       // of all globals, whether they can change
	used           Features     // so far; not in out, which a Walker shares with others
	rank           int          // of the latest section that is not custom, see rank
	tableEntries   int          // sum of the minima of the tables so far
	elementEntries int          // sum of the entries of the element segments so far
	dataCount      int          // as stated by the data count section
	debugNames     int          // sum of those in the name section so far
	bodies         int          // in the code section
	function       int          // index of the function whose body is being walked
	localCount     int          // of that function, parameters not counted
	open           []byte       // opcodes of the constructs that are open in it, its own body first
	immediates
}

// immediates are the operands of the instruction read last, as far as it has them.
type immediates struct {
	index, second uint32 // indices; of a memory access, second is the offset
	value         int64  // a constant, or a block type
	behind        byte   // the opcode behind a prefix
	targetsAt     int    // where the labels of a br_table begin
	targets       int    // how many there are, with the default
}

// lacks keeps the fault of a module that uses a proposal which is not supported; of one that may be of no proposal
// that is known, where f is 0.
func (s *scanner) lacks(offset int, f Features, format string, args ...any) {
	if s.err != nil {
		return
	}
	s.failAt(offset, Malformed, format, args...)
	if s.err.Lacks = f; f != 0 {
		s.err.Message += ", of the " + f.title() + " proposal, which is not supported"
	}
}

// nextSection reads one section, which must be consumed to its last byte.
func (s *scanner) nextSection() {
	at := s.pos
	id := SectionID(s.byte())
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
	content := s.pos
	s.content(id)
	if s.module != nil && s.err == nil {
		end := content + int(size)
		s.module.Sections = append(s.module.Sections, Section{
			ID: id, Content: s.data[content:end:end], raw: s.data[at:end:end],
		})
	}
	s.leave(outer)
	s.section = ""
}

// checkOrder holds that every section but the custom ones occurs once, in the order of the specification.
func (s *scanner) checkOrder(id SectionID, at int) {
	if id == SectionCustom {
		return
	}
	rank := id.rank()
	if rank == s.rank {
		s.failAt(at, Malformed, "the section occurs twice")
	} else if rank < s.rank {
		s.failAt(at, Malformed, "the section is out of order")
	}
	s.rank = rank
}

// content reads what is in a section.
func (s *scanner) content(id SectionID) {
	switch id {
	case SectionCustom:
		s.customSection()
	case SectionType:
		s.typeSection()
	case SectionImport:
		s.importSection()
	case SectionFunction:
		s.functionSection()
	case SectionTable:
		s.tableSection()
	case SectionMemory:
		s.memorySection()
	case SectionGlobal:
		s.globalSection()
	case SectionExport:
		s.exportSection()
	case SectionStart:
		start := s.u32()
		s.out.HasStart = true
		if s.module != nil {
			s.module.Start = start
		}
	case SectionElement:
		s.elementSection()
	case SectionDataCount:
		s.dataCount = int(s.u32())
		s.used |= BulkMemory
		s.out.HasDataCount = true
	case SectionCode:
		s.codeSection()
	case SectionData:
		s.dataSection()
	case SectionTag:
		s.lacks(s.pos, ExceptionHandling, "there is a tag section")
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
