package instrument

import (
	"fmt"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// bulk describes an instruction on many bytes or entries, with the operands to, from and length, or to, value and length.
type bulk struct {
	op      binary.Opcode
	indices []uint32 // in the order of the format
	name    string
	from    binary.ValType // of the second operand
	// The destination: a table, or else the memory.
	table   bool
	into    uint32
	piece   int32 // how much is done at a time
	perFuel int32
	// moves tells whether the second operand is where the source begins, and not a value.
	moves bool
	// segment tells whether the source is a segment, whose length only the instruction itself knows.
	segment bool
	// source is the source of a copy: a table like the destination, or the memory.
	source uint32
}

// describe returns the description of the instruction that a helper stands for.
func (w *writer) describe(key helperKey) bulk {
	b := bulk{op: key.op, from: binary.I32, piece: pieceBytes, perFuel: bytesPerFuel, moves: true}
	switch key.op {
	case binary.OpMemoryFill:
		b.name, b.indices, b.moves = "memory.fill", []uint32{0}, false
	case binary.OpMemoryCopy:
		b.name, b.indices = "memory.copy", []uint32{0, 0}
	case binary.OpMemoryInit:
		b.name, b.indices, b.segment = "memory.init", []uint32{key.index, 0}, true
	case binary.OpTableFill:
		b.name, b.indices, b.moves = "table.fill", []uint32{key.index}, false
		b.from, b.into = w.tableElement(key.index), key.index
	case binary.OpTableCopy:
		b.name, b.indices = "table.copy", []uint32{key.index, key.second}
		b.into, b.source = key.index, key.second
	case binary.OpTableInit: // the segment comes first
		b.name, b.indices, b.segment = "table.init", []uint32{key.index, key.second}, true
		b.into = key.second
	default:
	}
	if key.op == binary.OpTableFill || key.op == binary.OpTableCopy || key.op == binary.OpTableInit {
		b.table, b.piece, b.perFuel = true, pieceEntries, entriesPerFuel
	}
	if b.table || b.segment {
		b.name = fmt.Sprintf("%s %d", b.name, key.index)
	}
	return b
}

// The parameters and locals of a helper that works in pieces.
const (
	to     = 0
	from   = 1
	length = 2
	down   = 3 // i32: whether the pieces are done from the last to the first
)

// pieces does an instruction in pieces, each of which is charged. What would trap has to trap before anything is written,
// so that a look at the bounds comes first, and the instruction itself where they do not hold.
func (w *writer) pieces(key helperKey) *definition {
	const i32 = binary.I32
	b := w.describe(key)
	d := &definition{name: b.name, params: []binary.ValType{i32, b.from, i32}, locals: []binary.ValType{i32}}
	c := &d.code
	b.outOfBounds(c)
	c.block(binary.OpIf, binary.BlockEmpty)
	c.gets(to, from, length)
	c.op(b.op, b.indices...)
	c.op(binary.OpReturn)
	c.op(binary.OpEnd)
	if b.segment {
		b.probe(c)
	}
	if b.moves && !b.segment {
		c.gets(from, to)
		c.op(binary.OpI32LtU)
		c.op(binary.OpLocalSet, down)
	}
	c.block(binary.OpBlock, binary.BlockEmpty)
	c.block(binary.OpLoop, binary.BlockEmpty)
	c.gets(length)
	c.i32(b.piece)
	c.op(binary.OpI32LeU)
	c.op(binary.OpBrIf, 1)
	w.chargeFor(c, b.perFuel, func() { c.i32(b.piece) })
	b.one(c)
	c.gets(length)
	c.i32(b.piece)
	c.op(binary.OpI32Sub)
	c.op(binary.OpLocalSet, length)
	c.op(binary.OpBr, 0)
	c.op(binary.OpEnd)
	c.op(binary.OpEnd)
	w.chargeFor(c, b.perFuel, func() { c.gets(length) })
	c.gets(to, from, length)
	c.op(b.op, b.indices...)
	return d
}

// outOfBounds leaves on the stack whether the instruction is going to trap; of a segment as the source, whether its end
// is beyond what 32 bits can name.
func (b *bulk) outOfBounds(c *code) {
	b.beyond(c, to, b.into)
	switch {
	case b.segment:
		b.end(c, from)
		c.i64(1<<32 - 1)
		c.ops(binary.OpI64GtU, binary.OpI32Or)
	case b.moves:
		b.beyond(c, from, b.source)
		c.op(binary.OpI32Or)
	}
}

// beyond leaves on the stack whether length from a place on is more than a table or the memory has.
func (b *bulk) beyond(c *code, place, table uint32) {
	const pageShift = 16
	b.end(c, place)
	if b.table {
		c.op(binary.OpTableSize, table)
		c.op(binary.OpI64ExtendI32U)
	} else {
		c.op(binary.OpMemorySize, 0)
		c.op(binary.OpI64ExtendI32U)
		c.i64(pageShift)
		c.op(binary.OpI64Shl)
	}
	c.op(binary.OpI64GtU)
}

// end leaves the sum of a place and the length on the stack, in 64 bits.
func (b *bulk) end(c *code, place uint32) {
	c.gets(place)
	c.op(binary.OpI64ExtendI32U)
	c.gets(length)
	c.ops(binary.OpI64ExtendI32U, binary.OpI64Add)
}

// probe has the instruction trap if the segment ends too early: it moves nothing, from the end on.
func (b *bulk) probe(c *code) {
	c.i32(0)
	c.gets(from, length)
	c.op(binary.OpI32Add)
	c.i32(0)
	c.op(b.op, b.indices...)
}

// one does one piece: the first of those that are left, which then begin behind it, or the last.
func (b *bulk) one(c *code) {
	if b.moves && !b.segment {
		c.gets(down)
		c.block(binary.OpIf, binary.BlockEmpty)
		for _, place := range []uint32{to, from} {
			c.gets(place, length)
			c.i32(b.piece)
			c.ops(binary.OpI32Sub, binary.OpI32Add)
		}
		c.i32(b.piece)
		c.op(b.op, b.indices...)
		c.op(binary.OpElse)
		b.first(c)
		c.op(binary.OpEnd)
		return
	}
	b.first(c)
}

func (b *bulk) first(c *code) {
	c.gets(to, from)
	c.i32(b.piece)
	c.op(b.op, b.indices...)
	advance := []uint32{to}
	if b.moves {
		advance = append(advance, from)
	}
	for _, place := range advance {
		c.gets(place)
		c.i32(b.piece)
		c.op(binary.OpI32Add)
		c.op(binary.OpLocalSet, place)
	}
}

// chargeFor charges an amount of bytes or entries, which amount leaves on the stack.
func (w *writer) chargeFor(c *code, perFuel int32, amount func()) {
	amount()
	c.i32(perFuel)
	c.op(binary.OpI32DivU)
	c.op(binary.OpCall, w.helper(helperKey{name: "charge"}))
}

// grow is table.grow, charged by the number of entries. It is not done in pieces: a table has at most [maxEntries], and a
// piece that failed would leave a table that is half grown.
func (w *writer) grow(key helperKey) *definition {
	const i32 = binary.I32
	element := w.tableElement(key.index)
	d := &definition{
		name:   fmt.Sprintf("table.grow %d", key.index),
		params: []binary.ValType{element, i32}, results: []binary.ValType{i32},
	}
	c := &d.code
	// More than there may be fails, and costs what all would.
	w.chargeFor(c, entriesPerFuel, func() {
		c.gets(1)
		c.i32(maxEntries)
		c.gets(1)
		c.i32(maxEntries)
		c.ops(binary.OpI32LtU, binary.OpSelect)
	})
	c.gets(0, 1)
	c.op(binary.OpTableGrow, key.index)
	return d
}
