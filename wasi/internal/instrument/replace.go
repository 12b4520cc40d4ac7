package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// replace writes an instruction, or what stands in its place.
func (b *body) replace(in *binary.Instruction) {
	switch in.Op {
	case binary.OpMemoryFill, binary.OpMemoryCopy:
		b.bulk(in)
	case binary.OpMemoryInit, binary.OpTableInit, binary.OpTableCopy, binary.OpTableFill, binary.OpTableGrow:
		b.help(in)
	case binary.OpAtomicWait32, binary.OpAtomicWait64:
		if b.w.plan.shared {
			b.help(in)
			return
		}
		b.code = append(b.code, in.Raw...) // which traps
	case binary.OpI32RemS, binary.OpI32RemU, binary.OpI64RemS, binary.OpI64RemU:
		if b.w.options.SafeRemainder {
			b.help(in)
			return
		}
		b.code = append(b.code, in.Raw...)
	default:
		b.code = append(b.code, in.Raw...)
	}
}

// bulk writes memory.fill or memory.copy: the instruction itself for few bytes, or else a call of a function that does it
// in pieces.
func (b *body) bulk(in *binary.Instruction) {
	const i32 = binary.I32
	c := &b.code
	c.op(binary.OpLocalTee, b.length)
	c.gets(b.length)
	c.i32(shortBytes)
	c.op(binary.OpI32GtU)
	c.block(binary.OpIf, int64(b.w.typeOf([]binary.ValType{i32, i32, i32}, nil)))
	b.help(in)
	c.op(binary.OpElse)
	*c = append(*c, in.Raw...)
	c.op(binary.OpEnd)
}

// help writes a call of the helper that stands for an instruction.
func (b *body) help(in *binary.Instruction) {
	key := helperKey{op: in.Op, index: in.Index, second: in.Second}
	b.code.op(binary.OpCall, b.w.helper(key))
}
