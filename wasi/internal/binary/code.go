package binary

// codeSection walks the bodies of all functions (core specification 5.5.13).
func (s *scanner) codeSection() {
	const least = 3 // the size, the number of locals and the end
	s.bodies = s.count("function bodies", s.limits.Functions, least)
	if s.err == nil && s.bodies != s.out.Functions {
		s.fail(Malformed, "%d functions are declared, but %d have a body", s.out.Functions, s.bodies)
	}
	for s.function = 0; s.function < s.bodies && s.err == nil; s.function++ {
		s.body()
	}
}

// body reads one function: its size, its locals and its instructions.
func (s *scanner) body() {
	size := s.count("bytes of a function body", s.limits.BodyBytes, 1)
	outer := s.enter(size)
	start := s.pos
	s.locals()
	code := s.pos
	s.instructions()
	if s.module != nil && s.err == nil {
		s.module.Bodies = append(s.module.Bodies, Body{
			Locals: s.data[start:code:code], Code: s.data[code:s.pos:s.pos], LocalCount: s.localCount,
		})
	}
	s.leave(outer)
}

// locals sums up the locals that a function declares, in runs of a count and a type. Counts are just numbers, with no
// bytes behind them, so that two runs can stand for eight billion locals.
func (s *scanner) locals() {
	const least = 2
	at := s.pos
	runs := s.count("runs of locals", s.left(), least)
	var total uint64
	for range runs {
		total += uint64(s.u32())
		s.valType()
	}
	if s.err == nil && total > uint64(max(s.limits.Locals, 0)) {
		s.failAt(at, TooLarge, "function %d declares %d locals, which are more than the limit of %d",
			s.function, total, s.limits.Locals)
	}
	s.localCount = int(total)
}

// instructions walks a function's instructions up to the end that closes its body.
func (s *scanner) instructions() {
	s.open = append(s.open[:0], byte(OpBlock))
	for len(s.open) > 0 && s.err == nil {
		s.instruction()
	}
}

// instruction reads one instruction within an open construct, and returns the first byte of its opcode.
func (s *scanner) instruction() byte {
	op := s.byte()
	switch operands := s.set.plain[op]; operands {
	case opNone:
	case opIndex:
		s.index = s.u32()
	case opMemory:
		s.memArg()
	case opOpens:
		s.openConstruct(op)
	case opElse:
		s.elseBranch()
	case opEnd:
		s.open = s.open[:len(s.open)-1]
	default:
		s.operands(op, operands)
	}
	return op
}

// openConstruct enters a block, loop or if. Engines recurse over nesting, or do work at every level for each below it.
func (s *scanner) openConstruct(op byte) {
	s.blockType()
	if len(s.open) >= s.limits.Nesting {
		s.fail(TooLarge, "function %d nests blocks deeper than the limit of %d", s.function, s.limits.Nesting)
	}
	s.open = append(s.open, op)
}

func (s *scanner) elseBranch() {
	if s.open[len(s.open)-1] != byte(OpIf) {
		s.failAt(s.pos-1, Malformed, "an else without its if")
	}
	s.open[len(s.open)-1] = byte(OpElse)
}

// blockType reads the type of a construct (core specification 5.4.1): none, one value type, or the index of a type, all
// told apart as a signed number of 33 bits.
func (s *scanner) blockType() {
	const empty = 0x40
	if s.left() > 0 {
		if b := s.data[s.pos]; b == empty || ValType(b).isValue() {
			s.pos++
			s.value = int64(int8(b<<1) >> 1)
			return
		}
	}
	at := s.pos
	index := s.signed(33)
	s.value = index
	switch {
	case s.err != nil:
	case index < 0 || index >= int64(len(s.out.Types)):
		s.failAt(at, Malformed, "unknown block type %d", index)
	case len(s.out.Types[index].Params) > 0:
		s.used |= MultiValue
	}
}

// expression reads a constant expression and returns its bytes, its end included.
func (s *scanner) expression() []byte {
	at := s.pos
	s.constant()
	return s.data[at:s.pos:s.pos]
}

// constant walks a constant expression (core specification 3.3.7, with the additions of the extended constant
// expressions proposal), which initialises a global or places a segment.
func (s *scanner) constant() {
	for s.err == nil {
		op := s.byte()
		if op == byte(OpEnd) {
			return
		}
		if s.err == nil && !s.isConstant(op) {
			s.failAt(s.pos-1, Malformed, "opcode %#02x is not allowed in a constant expression", op)
			return
		}
		switch op {
		case byte(OpGlobalGet):
			s.constantGlobal()
			continue
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub and mul
			s.used |= ExtendedConst
		}
		s.operands(op, s.set.plain[op])
	}
}

// constantGlobal reads the index of a global in a constant expression, which must be one that is imported and does not
// change. The engine takes others too, whose value is not settled yet.
func (s *scanner) constantGlobal() {
	at := s.pos
	index := s.u32()
	switch {
	case s.err != nil:
	case uint64(index) >= uint64(len(s.globals)):
		s.failAt(at, Malformed, "a constant expression reads global %d, which is not imported", index)
	case s.globals[index].Mutable:
		s.failAt(at, Malformed, "a constant expression reads global %d, which can change", index)
	}
}

// isConstant tells whether the instruction whose first opcode was just read may stand in a constant expression. Of the
// vector instructions only v128.const may.
func (s *scanner) isConstant(op byte) bool {
	const vectorPrefix, vectorConst = 0xfd, 0x0c
	if op == vectorPrefix {
		return s.left() > 0 && s.data[s.pos] == vectorConst
	}
	return s.set.constant[op]
}
