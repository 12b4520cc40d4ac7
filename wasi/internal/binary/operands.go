package binary

// operands steps over what follows the opcode op, which has just been read. Constructs are the caller's.
func (s *scanner) operands(op byte, kind operandKind) {
	switch kind {
	case opNone:
	case opIndex:
		s.index = s.u32()
	case opTwoIndices:
		s.index = s.u32()
		s.second = s.u32()
	case opInt32:
		s.value = s.signed(32)
	case opInt64:
		s.value = s.signed(64)
	case opFourBytes:
		s.skip(4)
	case opEightBytes:
		s.skip(8)
	case opRefType:
		s.refType()
	case opValTypes:
		for range s.count("types of a select", s.left(), 1) {
			s.valType()
		}
	case opBranches:
		s.branches()
	case opBulk:
		s.prefixed(op, &s.set.bulk)
	case opVector:
		s.prefixed(op, &s.set.vector)
	case opAtomic:
		s.prefixed(op, &s.set.atomic)
	case opLater:
		used, follows := laterInstruction(op)
		s.used |= used
		s.operands(op, follows)
	default:
		s.memoryOperands(op, kind)
	}
}

// memoryOperands steps over the operands of instructions on memory and on lanes.
func (s *scanner) memoryOperands(op byte, kind operandKind) {
	switch kind {
	case opMemory:
		s.memArg()
	case opMemoryLane:
		s.memArg()
		s.skip(1)
	case opMemoryIndex:
		s.memoryIndex()
	case opTwoMemories:
		s.memoryIndex()
		s.memoryIndex()
	case opDataIndex:
		s.dataIndex()
	case opDataMemory:
		s.dataIndex()
		s.memoryIndex()
	case opSixteenBytes:
		s.skip(16)
	case opLane:
		s.skip(1)
	case opZeroByte:
		s.zero("a fence")
	default:
		s.unknown(op)
	}
}

// prefixed reads the second opcode behind prefix and steps over its operands.
func (s *scanner) prefixed(prefix byte, table *[256]operandKind) {
	at := s.pos
	second := s.u32()
	if second >= uint32(len(table)) || table[second] == opUnknown {
		s.lacks(at, unknownOpcode(prefix, second), "function %d has the unknown opcode %#02x %#x", s.function, prefix, second)
		return
	}
	s.used |= prefixedFeature(prefix, second)
	s.behind = byte(second)
	s.operands(prefix, table[second])
}

// unknown keeps the fault of an opcode that is not in the tables.
func (s *scanner) unknown(op byte) {
	s.lacks(s.pos-1, unknownOpcode(op, 0), "function %d has the unknown opcode %#02x", s.function, op)
}

// memArg reads an alignment, as a power of two, and an offset. Bit 6 of the alignment would name another memory.
func (s *scanner) memArg() {
	const maxAlign, namesMemory = 32, 64
	if align := s.u32(); align >= namesMemory && align < 2*namesMemory {
		s.lacks(s.pos, MultiMemory, "an alignment of 2^%d, which names a memory", align)
	} else if align >= maxAlign {
		s.fail(Malformed, "malformed alignment 2^%d", align)
	}
	s.second = s.u32()
}

// memoryIndex reads the index of the memory, of which there is one.
func (s *scanner) memoryIndex() {
	if b := s.byte(); b != 0 {
		s.lacks(s.pos-1, MultiMemory, "zero byte expected for the memory, found %#02x", b)
	}
}

// dataIndex reads the index of a data segment. It needs the data count section, as the segments come after the code.
func (s *scanner) dataIndex() {
	s.index = s.u32()
	if s.err == nil && !s.out.HasDataCount {
		s.fail(Malformed, "function %d names a data segment, but there is no data count section", s.function)
	}
}

// branches reads the labels of a br_table. Engines do work for each that grows with the nesting.
func (s *scanner) branches() {
	n := s.count("targets of a br_table", s.limits.BranchTargets, 1)
	s.targets = n + 1
	at := s.pos
	for range n {
		s.u32()
	}
	s.u32() // the default
	s.targetsAt = at
}
