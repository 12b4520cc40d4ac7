package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// body is one function while it is rewritten.
type body struct {
	w        *writer
	function *function
	index    int
	code     code
	locals   []byte // the declared ones, in binary form

	typ    binary.FuncType
	labels []label // of the constructs that are open
	loops  int     // how many were met so far
	sites  int     // the same of branches to loops
	bound  int32   // how much fuel the counter holds when it is full
	ends   bool    // whether something is done where the function ends

	// Locals of ours, where the function needs them.
	counter uint32 // i32: fuel that the function may use until the meter learns of it
	length  uint32 // i32: of a bulk instruction
	value   uint32 // i64: the meter
}

// label is a construct that is open.
type label struct {
	total int   // how many labels the new code has up to and with it
	loop  *loop // nil for others
}

func newBody(w *writer, index int, buffer code) *body {
	f := &w.plan.functions[index]
	b := &body{w: w, function: f, index: index, code: buffer, ends: f.looping || f.stack > 0}
	b.typ, _ = w.module.Outline.FuncType(w.imported + uint32(index))
	b.bound = int32(min(max(w.options.Bound, 1), maxWeight))
	for _, l := range f.loops {
		b.bound = max(b.bound, int32(l.head))
	}
	b.declare()
	return b
}

// declare adds the locals that are needed: two of type i32, and one of i64.
func (b *body) declare() {
	own := b.w.module.Bodies[b.index]
	b.counter = uint32(len(b.typ.Params) + own.LocalCount)
	b.length, b.value = b.counter+1, b.counter+2
	runs, rest := binary.Vector(own.Locals)
	b.locals = append(binary.AppendUint(nil, uint64(runs+2)), rest...)
	b.locals = append(b.locals, 2, byte(binary.I32), 1, byte(binary.I64))
}

// write writes the function's code. What is to be done at its end stands behind a block around all of it, to which its
// returns become branches.
func (b *body) write() {
	b.enter()
	if b.ends {
		b.code.block(binary.OpBlock, b.resultType())
	}
	b.open(1, nil)
	var in binary.Instruction
	for walk := b.w.module.Walk(b.index); walk.Next(&in); {
		b.instruction(&in)
	}
	if b.ends {
		b.leave()
		b.code.op(binary.OpEnd)
	}
}

// resultType returns the type of a block with the function's results.
func (b *body) resultType() int64 {
	switch r := b.typ.Results; len(r) {
	case 0:
		return binary.BlockEmpty
	case 1:
		return binary.BlockOf(r[0])
	default:
		return int64(b.w.typeOf(nil, r))
	}
}

// instruction writes what stands for one instruction.
func (b *body) instruction(in *binary.Instruction) {
	switch in.Op {
	case binary.OpLoop:
		b.loop(in)
	case binary.OpBlock, binary.OpIf:
		b.open(1, nil)
		b.code = append(b.code, in.Raw...)
	case binary.OpEnd:
		b.close()
	case binary.OpBr, binary.OpBrIf:
		b.branch(in)
	case binary.OpBrTable:
		b.branchTable(in)
	case binary.OpReturn:
		if b.ends {
			b.code.op(binary.OpBr, b.label(uint32(len(b.labels)-1)))
		} else {
			b.code.op(binary.OpReturn)
		}
	case binary.OpCall, binary.OpRefFunc:
		b.code.op(in.Op, b.w.shift(in.Index))
	case binary.OpReturnCall:
		b.leave()
		b.code.op(in.Op, b.w.shift(in.Index))
	case binary.OpReturnCallIndirect:
		b.leave()
		b.code = append(b.code, in.Raw...)
	default:
		b.replace(in)
	}
}

// open notes that a construct was opened for which there are n labels, of which the last is the innermost.
func (b *body) open(n int, l *loop) { b.labels = append(b.labels, label{b.total() + n, l}) }

// total is the number of labels in the new code.
func (b *body) total() int {
	if len(b.labels) == 0 {
		return 0
	}
	return b.labels[len(b.labels)-1].total
}

// close writes an end for each label of the innermost construct.
func (b *body) close() {
	had := b.total()
	b.labels = b.labels[:len(b.labels)-1]
	for range had - b.total() {
		b.code.op(binary.OpEnd)
	}
}

// label returns the new number of a label. One that is out of range stays so.
func (b *body) label(old uint32) uint32 {
	if uint64(old) >= uint64(len(b.labels)) {
		return old + uint32(b.total())
	}
	return uint32(b.total() - b.labels[len(b.labels)-1-int(old)].total)
}

func (b *body) branchTable(in *binary.Instruction) {
	labels := in.Labels()
	b.code.op(in.Op, uint32(len(labels)-1))
	for _, l := range labels {
		b.code = binary.AppendUint(b.code, uint64(b.label(l)))
	}
}
