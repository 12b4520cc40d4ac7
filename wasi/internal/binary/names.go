package binary

// nameSection holds the names that a module gives for debugging (core specification, appendix 7.4) to the limits. The
// engine keeps all of them in memory, writes those of functions into each stack trace, and reads on where the content
// of a subsection ends, whatever size it claims. So a fault here is one of the module, though the specification would
// have such a section ignored.
func (s *scanner) nameSection() {
	const ofModule, ofFunctions, ofLocals = 0, 1, 2
	for s.left() > 0 && s.err == nil {
		id := s.byte()
		size := s.u32()
		if int64(size) > int64(s.left()) {
			s.fail(Malformed, "a part of the names claims %d bytes, but only %d are left", size, s.left())
			return
		}
		outer := s.enter(int(size))
		switch id {
		case ofModule:
			s.out.ModuleName = s.name(s.limits.NameBytes)
		case ofFunctions:
			s.functionNames()
		case ofLocals:
			for range s.names() {
				s.u32()
				s.nameMap()
				if s.err != nil {
					return
				}
			}
		default:
			s.pos = s.end
		}
		s.leave(outer)
	}
}

// functionNames passes over the names of functions, or keeps them.
func (s *scanner) functionNames() {
	for range s.names() {
		index := s.u32()
		size := len(s.name(s.limits.NameBytes))
		if s.err != nil {
			return
		}
		if s.module != nil {
			name := s.data[s.pos-size : s.pos : s.pos]
			s.module.FunctionNames = append(s.module.FunctionNames, FunctionName{Name: name, Index: index})
		}
	}
}

// nameMap passes over names with the index of what each belongs to.
func (s *scanner) nameMap() {
	for range s.names() {
		s.u32()
		s.name(s.limits.NameBytes)
		if s.err != nil {
			return
		}
	}
}

// names reads how many entries follow in a map of names, and adds them to the sum of all.
func (s *scanner) names() int {
	const least = 2
	n := s.count("names for debugging", s.limits.DebugNames-s.debugNames, least)
	s.debugNames += n
	return n
}
