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
		s.zero("the memory")
	case opTwoMemories:
		s.zero("the memory")
		s.zero("the memory")
	case opDataIndex:
		s.dataIndex()
	case opDataMemory:
		s.dataIndex()
		s.zero("the memory")
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
		s.failAt(at, Malformed, "function %d has the unknown opcode %#02x %#x%s",
			s.function, prefix, second, proposal(prefix, second))
		return
	}
	s.behind = byte(second)
	s.operands(prefix, table[second])
}

// unknown keeps the fault of an opcode that is not in the tables.
func (s *scanner) unknown(op byte) {
	s.failAt(s.pos-1, Malformed, "function %d has the unknown opcode %#02x%s", s.function, op, proposal(op, 0))
}

// proposal names the extension of WebAssembly that an unknown opcode belongs to, so that its sender knows which flag
// of their compiler to turn off.
func proposal(op byte, second uint32) string {
	const firstRelaxed = 0x100
	switch {
	case op >= 0x06 && op <= 0x0a || op == 0x18 || op == 0x19 || op == 0x1f:
		return ", of the exception-handling proposal, which is not supported"
	case op == 0x14 || op == 0x15 || op >= 0xd4 && op <= 0xd6:
		return ", of the typed function references proposal, which is not supported"
	case op == 0xd3 || op == 0xfb:
		return ", of the garbage collection proposal, which is not supported"
	case op == 0xfd && second >= firstRelaxed:
		return ", of the relaxed SIMD proposal, which is not supported"
	}
	return ""
}

// memArg reads an alignment, as a power of two, and an offset. Bit 6 of the alignment would name another memory.
func (s *scanner) memArg() {
	const maxAlign = 32
	if align := s.u32(); align >= maxAlign {
		s.fail(Malformed, "malformed alignment 2^%d", align)
	}
	s.second = s.u32()
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
