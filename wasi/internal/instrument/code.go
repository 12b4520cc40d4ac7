package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// code is instructions under construction.
type code []byte

// op appends an instruction with its indices.
func (c *code) op(op binary.Opcode, indices ...uint32) {
	*c = binary.AppendOpcode(*c, op)
	for _, i := range indices {
		*c = binary.AppendUint(*c, uint64(i))
	}
}

// ops appends instructions without operands.
func (c *code) ops(ops ...binary.Opcode) {
	for _, op := range ops {
		c.op(op)
	}
}

// block appends the opening of a construct; blockType is as in [binary.Instruction.Value].
func (c *code) block(op binary.Opcode, blockType int64) {
	*c = binary.AppendInt(binary.AppendOpcode(*c, op), blockType)
}

func (c *code) i32(n int32) {
	*c = binary.AppendInt(binary.AppendOpcode(*c, binary.OpI32Const), int64(n))
}

func (c *code) i64(n int64) {
	*c = binary.AppendInt(binary.AppendOpcode(*c, binary.OpI64Const), n)
}

// gets appends a local.get for each local.
func (c *code) gets(locals ...uint32) {
	for _, l := range locals {
		c.op(binary.OpLocalGet, l)
	}
}

// unless appends what is to be done if the condition on the stack does not hold, which is seldom. Of two ways that meet
// again, wazero's compiler has values stay in the registers where the first has them: that is the one that does nothing.
func (c *code) unless(do func()) {
	c.block(binary.OpIf, binary.BlockEmpty)
	c.op(binary.OpElse)
	do()
	c.op(binary.OpEnd)
}

// solvent leaves on the stack whether a meter has fuel, and less than [MaxFuel].
func (c *code) solvent() {
	c.i64(MaxFuel << fuelShift)
	c.op(binary.OpI64LtU)
}
