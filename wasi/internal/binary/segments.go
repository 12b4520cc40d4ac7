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
	flags := s.u32()
	if flags > notActive|explicit|expressions {
		s.fail(Malformed, "unknown flags %#x of an element segment", flags)
		return
	}
	if flags&notActive == 0 {
		if flags&explicit != 0 {
			s.u32() // the table
		}
		s.constant() // the offset in it
	}
	if flags&(notActive|explicit) != 0 {
		s.elementType(flags&expressions != 0)
	}
	s.elementEntriesOf(flags&expressions != 0)
}

// elementType reads the type of a segment's entries: a reference type for expressions, and for function indices a
// kind, of which functions are the only one.
func (s *scanner) elementType(expressions bool) {
	if expressions {
		s.refType()
		return
	}
	s.zero("the kind of elements")
}

func (s *scanner) elementEntriesOf(expressions bool) {
	n := s.count("element entries", s.limits.ElementEntries-s.elementEntries, 1)
	s.elementEntries += n
	for i := 0; i < n && s.err == nil; i++ {
		if expressions {
			s.constant()
		} else {
			s.u32()
		}
	}
}

// dataSection reads the data segments (core specification 5.5.14), of which only the number is kept.
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
	switch flags := s.u32(); flags {
	case active:
		s.constant()
	case passive:
	case explicit:
		s.u32() // the memory
		s.constant()
	default:
		s.fail(Malformed, "unknown flags %#x of a data segment", flags)
	}
	s.skip(s.count("bytes of data", s.left(), 1))
}
