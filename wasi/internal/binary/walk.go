package binary

// Instruction is one instruction of a function or of a constant expression.
type Instruction struct {
	// Raw is its binary form.
	Raw []byte
	// Value is the constant of i32.const and i64.const; of block, loop and if it is their type: the index of one in
	// Outline.Types, or, if negative, what a single byte says as a number of seven bits: [BlockEmpty], or a [ValType].
	Value int64
	// Op is its opcode.
	Op Opcode
	// Index is its first index, of whatever kind.
	Index uint32
	// Second is its second index: the table of call_indirect, the source of table.copy, the table of table.init. Of
	// a memory access it is the offset.
	Second uint32

	labels  []byte
	targets int
}

// BlockEmpty is the Value of a block without parameters and results.
const BlockEmpty = -64

// BlockOf returns the Value of a block that has one result and no parameters.
func BlockOf(t ValType) int64 { return int64(int8(t<<1) >> 1) }

// Labels returns the labels of a br_table, the default last. They are read anew at each call.
func (i *Instruction) Labels() []uint32 {
	r := reader{data: i.labels, end: len(i.labels)}
	labels := make([]uint32, 0, i.targets)
	for range i.targets {
		labels = append(labels, r.u32())
	}
	return labels
}

// Walker steps through the instructions of one function.
type Walker struct {
	scanner scanner
}

// Walk returns a walker at the start of the code of the function with the given index among those that the module
// defines. What [Decode] has accepted is walked to its end.
func (m *Module) Walk(body int) *Walker {
	code := m.Bodies[body].Code
	return &Walker{scanner{
		reader: reader{data: code, end: len(code), section: sectionName(SectionCode)},
		limits: m.limits, set: m.set, out: m.Outline, function: body, open: []byte{byte(OpBlock)},
	}}
}

// WalkExpression returns a walker at the start of a constant expression of the module.
func (m *Module) WalkExpression(expression []byte) *Walker {
	return &Walker{scanner{
		reader: reader{data: expression, end: len(expression)},
		limits: m.limits, set: m.set, out: m.Outline, open: []byte{byte(OpBlock)},
	}}
}

// Next reads the next instruction; false behind the last, which is the end of the function.
func (w *Walker) Next(i *Instruction) bool {
	s := &w.scanner
	if len(s.open) == 0 || s.err != nil {
		return false
	}
	at := s.pos
	s.immediates = immediates{}
	op := s.instruction()
	if s.err != nil {
		return false
	}
	*i = Instruction{
		Raw: s.data[at:s.pos:s.pos], Op: Opcode(op), Value: s.value, Index: s.index, Second: s.second,
		targets: s.targets,
	}
	switch s.set.plain[op] {
	case opBulk, opVector, opAtomic:
		i.Op = Opcode(op)<<8 | Opcode(s.behind)
	case opBranches:
		i.labels = s.data[s.targetsAt:s.pos:s.pos]
	default:
	}
	return true
}

// Depth is the number of constructs that are open, the function's own body counted as one.
func (w *Walker) Depth() int { return len(w.scanner.open) }
