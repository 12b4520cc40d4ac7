package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// loop writes the head of a loop. What is charged for it is taken off the function's counter, and when that is used up the
// meter is told.
//
// That is done in a second loop around the first, which has a label of its own, so that the call stands outside of the
// inner one. A call within it would make wazero's compiler keep the loop's variables in memory.
func (b *body) loop(in *binary.Instruction) {
	l := &b.function.loops[b.loops]
	b.loops++
	c := &b.code
	if !l.charged {
		b.open(1, l)
		*c = append(*c, in.Raw...)
		return
	}
	b.open(2, l)
	*c = append(*c, in.Raw...)
	c.gets(b.counter)
	c.i32(int32(l.head))
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
	if l.head > 0 {
		c.gets(b.counter)
		c.i32(int32(l.head))
		c.op(binary.OpI32LtS)
		c.op(binary.OpBrIf, 1)
		c.gets(b.counter)
		c.i32(int32(l.head))
		c.op(binary.OpI32Sub)
		c.op(binary.OpLocalSet, b.counter)
	}
}

// branch writes a br or br_if.
func (b *body) branch(in *binary.Instruction) {
	to := b.label(in.Index)
	if uint64(in.Index) >= uint64(len(b.labels)) || b.labels[len(b.labels)-1-int(in.Index)].loop == nil {
		b.code.op(in.Op, to)
		return
	}
	l, at := b.labels[len(b.labels)-1-int(in.Index)].loop, b.function.sites[b.sites]
	b.sites++
	switch {
	case at.forward >= 0:
		b.code.op(in.Op, b.label(uint32(at.forward)))
	case l.head > 0:
		b.code.op(in.Op, to)
	case in.Op == binary.OpBr:
		b.back(at.weight, to)
	default:
		b.code.block(binary.OpIf, binary.BlockEmpty)
		b.back(at.weight, to+1)
		b.code.op(binary.OpEnd)
	}
}

// back charges a branch to a loop, and branches to it, or to the loop around it when the counter is used up.
func (b *body) back(weight uint64, to uint32) {
	c := &b.code
	c.gets(b.counter)
	c.i32(int32(weight))
	c.op(binary.OpI32Sub)
	c.op(binary.OpLocalTee, b.counter)
	c.i32(0)
	c.op(binary.OpI32LtS)
	c.block(binary.OpIf, binary.BlockEmpty)
	c.op(binary.OpBr, to+2)
	c.op(binary.OpEnd)
	c.op(binary.OpBr, to)
}
