package binary

// elementSection reads the element segments (core specification 5.5.12). Their flags are three bits: 1 passive or
// declarative, 2 an explicit table (or, with bit 1, declarative), 4 expressions in place of function indices.
func (s *scanner) elementSection() {
	const least = 3
	n := s.count("element segments", s.limits.Elements, least)
	s.out.Elements = n
	for i := 0; i < n && s.err == nil; i++ {
		s.element()
	}
}

func (s *scanner) element() {
	const notActive, explicit, expressions = 1, 2, 4
	start := s.pos
	flags := s.u32()
	e := Element{Type: FuncRef, Passive: flags&notActive != 0 && flags&explicit == 0}
	if flags > notActive|explicit|expressions {
		s.fail(Malformed, "unknown flags %#x of an element segment", flags)
		return
	}
	if flags&notActive != 0 {
		s.used |= BulkMemory
	}
	if flags&notActive == 0 {
		if flags&explicit != 0 {
			e.Table = s.u32()
		}
		e.Offset = s.expression()
	}
	if flags&(notActive|explicit) != 0 {
		e.Type = s.elementType(flags&expressions != 0)
	}
	e.head = s.data[start:s.pos:s.pos]
	s.elementEntriesOf(&e, flags&expressions != 0)
	if s.module != nil && s.err == nil {
		s.module.Elements = append(s.module.Elements, e)
	}
}

// elementType reads the type of a segment's entries: a reference type for expressions, and for function indices a
// kind, of which functions are the only one.
func (s *scanner) elementType(expressions bool) ValType {
	if expressions {
		return s.refType()
	}
	s.zero("the kind of elements")
	return FuncRef
}

func (s *scanner) elementEntriesOf(e *Element, expressions bool) {
	n := s.count("element entries", s.limits.ElementEntries-s.elementEntries, 1)
	s.elementEntries += n
	for i := 0; i < n && s.err == nil; i++ {
		switch {
		case expressions && s.module != nil:
			e.Expressions = append(e.Expressions, s.expression())
		case expressions:
			s.constant()
		case s.module != nil:
			e.Functions = append(e.Functions, s.u32())
		default:
			s.u32()
		}
	}
}

// dataSection reads the data segments (core specification 5.5.14), of which [Scan] keeps the number only.
func (s *scanner) dataSection() {
	const least = 2
	n := s.count("data segments", s.limits.DataSegments, least)
	s.out.DataSegments = n
	for i := 0; i < n && s.err == nil; i++ {
		s.dataSegment()
	}
}

func (s *scanner) dataSegment() {
	const active, passive, explicit = 0, 1, 2
	var d Data
	switch flags := s.u32(); flags {
	case active:
		d.Offset = s.expression()
	case passive:
		s.used |= BulkMemory
	case explicit:
		s.u32() // the memory
		d.Offset = s.expression()
	default:
		s.fail(Malformed, "unknown flags %#x of a data segment", flags)
	}
	n := s.count("bytes of data", s.left(), 1)
	d.Bytes = s.data[s.pos : s.pos+n : s.pos+n]
	s.skip(n)
	if s.module != nil && s.err == nil {
		s.module.Data = append(s.module.Data, d)
	}
}
