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
	labels []int // for each open construct, how many labels the new code has up to and with it
	heads  int   // loops met so far
	bound  int32 // how much fuel the counter holds when it is full
	ends   bool  // whether something is done where the function ends

	// Locals of ours, where the function needs them.
	counter uint32 // i32: fuel that the function may use until the meter learns of it
	length  uint32 // i32: of a bulk instruction
	value   uint32 // i64: the meter
}

func newBody(w *writer, index int, buffer code) *body {
	f := &w.plan.functions[index]
	b := &body{w: w, function: f, index: index, code: buffer, ends: f.looping || f.stack > 0}
	b.typ, _ = w.module.Outline.FuncType(w.imported + uint32(index))
	b.bound = int32(min(max(w.options.Bound, 1), maxWeight))
	for _, l := range f.loops {
		b.bound = max(b.bound, int32(l.weight))
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
	b.open(1)
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
		b.open(1)
		b.code = append(b.code, in.Raw...)
	case binary.OpEnd:
		b.close()
	case binary.OpBr, binary.OpBrIf:
		b.code.op(in.Op, b.label(in.Index))
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
func (b *body) open(n int) { b.labels = append(b.labels, b.total()+n) }

// total is the number of labels in the new code.
func (b *body) total() int {
	if len(b.labels) == 0 {
		return 0
	}
	return b.labels[len(b.labels)-1]
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
	return uint32(b.total() - b.labels[len(b.labels)-1-int(old)])
}

func (b *body) branchTable(in *binary.Instruction) {
	labels := in.Labels()
	b.code.op(in.Op, uint32(len(labels)-1))
	for _, l := range labels {
		b.code = binary.AppendUint(b.code, uint64(b.label(l)))
	}
}

// loop writes the head of a loop: when the counter does not suffice for one more iteration, the meter is told, and the
// loop entered again.
//
// That is done in a second loop around the first, which has a label of its own, so that the call stands outside of the
// inner one. A call within it would make the compiler keep the loop's variables in memory, and load the address of the
// linear memory anew, in each iteration.
func (b *body) loop(in *binary.Instruction) {
	weight := int32(b.function.loops[b.heads].weight)
	b.heads++
	if weight == 0 {
		b.open(1)
		b.code = append(b.code, in.Raw...)
		return
	}
	b.open(2)
	c := &b.code
	*c = append(*c, in.Raw...)
	c.gets(b.counter)
	c.i32(weight)
	c.op(binary.OpI32GeS)
	c.unless(func() {
		c.i32(b.bound)
		c.gets(b.counter)
		c.op(binary.OpI32Sub)
		c.op(binary.OpCall, b.w.helper(helperKey{name: "charge"}))
		c.i32(b.bound)
		c.op(binary.OpLocalSet, b.counter)
	})
	*c = append(*c, in.Raw...)
	c.gets(b.counter)
	c.i32(weight)
	c.op(binary.OpI32LtS)
	if b.parameters(in.Value) == 0 {
		// Compilers make less of a conditional branch back than of a branch around one.
		c.block(binary.OpIf, binary.BlockEmpty)
		c.op(binary.OpBr, 2)
		c.op(binary.OpEnd)
	} else {
		c.op(binary.OpBrIf, 1)
	}
	c.gets(b.counter)
	c.i32(weight)
	c.op(binary.OpI32Sub)
	c.op(binary.OpLocalSet, b.counter)
}

// parameters returns how many parameters a block of the given type has.
func (b *body) parameters(blockType int64) int {
	if blockType < 0 {
		return 0
	}
	return len(b.w.module.Outline.Types[blockType].Params)
}
