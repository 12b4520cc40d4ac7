package binary

// operandKind says what follows an opcode, which is all that it takes to step over an instruction.
type operandKind uint8

const (
	opUnknown      operandKind = iota // no such instruction, or one of a proposal that is not supported
	opNone                            // nothing
	opIndex                           // one index: of a local, global, function, table, type, label or segment
	opTwoIndices                      // two indices
	opMemory                          // an alignment and an offset
	opMemoryLane                      // an alignment, an offset and a lane
	opMemoryIndex                     // the memory, which is a zero byte while there is only one
	opTwoMemories                     // two memories
	opDataIndex                       // a data segment, which needs a data count section
	opDataMemory                      // a data segment and a memory
	opInt32                           // a signed number of 32 bits
	opInt64                           // a signed number of 64 bits
	opFourBytes                       // an f32
	opEightBytes                      // an f64
	opSixteenBytes                    // a v128, or 16 lanes
	opLane                            // a lane
	opRefType                         // a reference type
	opValTypes                        // a vector of value types
	opBranches                        // a vector of labels, then one more
	opZeroByte                        // a reserved zero byte
	opOpens                           // a block type; opens a construct
	opElse                            // nothing; goes on with the other branch of an if
	opEnd                             // nothing; closes a construct
	opBulk                            // a second opcode, of saturating conversions, bulk memory and tables
	opVector                          // a second opcode, of vectors
	opAtomic                          // a second opcode, of threads
	opLater                           // whatever laterInstruction says
)

// instructionSet is what follows each opcode: plain ones of one byte, and those behind the prefixes 0xfc, 0xfd and 0xfe.
type instructionSet struct {
	plain, bulk, vector, atomic [256]operandKind
	constant                    [256]bool // plain opcodes that may stand in a constant expression
}

// opRange is a run of opcodes, both ends included, that have the same kind of operands.
type opRange struct {
	first, last byte
	operands    operandKind
}

// newInstructionSet spreads the ranges below out into tables, which takes about a microsecond.
func newInstructionSet() *instructionSet {
	set := &instructionSet{}
	for table, ranges := range map[*[256]operandKind][]opRange{
		&set.plain:  plainRanges(),
		&set.bulk:   bulkRanges(),
		&set.vector: vectorRanges(),
		&set.atomic: atomicRanges(),
	} {
		for _, r := range ranges {
			for op := int(r.first); op <= int(r.last); op++ {
				table[op] = r.operands
			}
		}
	}
	// global.get; the constants; add, sub and mul of i32 and i64; ref.null and ref.func.
	for _, op := range []byte{0x23, 0x41, 0x42, 0x43, 0x44, 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e, 0xd0, 0xd2} {
		set.constant[op] = true
	}
	return set
}

// plainRanges are the opcodes of one byte (core specification 5.4.1 to 5.4.7, and tail calls).
func plainRanges() []opRange {
	return []opRange{
		{0x00, 0x01, opNone}, // unreachable, nop
		{0x02, 0x04, opOpens},
		{0x05, 0x05, opElse},
		{0x0b, 0x0b, opEnd},
		{0x0c, 0x0d, opIndex}, // br, br_if
		{0x0e, 0x0e, opBranches},
		{0x0f, 0x0f, opNone},       // return
		{0x10, 0x10, opIndex},      // call
		{0x11, 0x11, opTwoIndices}, // call_indirect
		{0x12, 0x13, opLater},      // return_call, return_call_indirect
		{0x1a, 0x1b, opNone},       // drop, select
		{0x1c, 0x1c, opLater},      // select with types
		{0x20, 0x24, opIndex},      // local.get to global.set
		{0x25, 0x26, opLater},      // table.get, table.set
		{0x28, 0x3e, opMemory},     // loads and stores
		{0x3f, 0x40, opMemoryIndex},
		{0x41, 0x41, opInt32},
		{0x42, 0x42, opInt64},
		{0x43, 0x43, opFourBytes},
		{0x44, 0x44, opEightBytes},
		{0x45, 0xbf, opNone},  // comparisons, arithmetic, conversions
		{0xc0, 0xc4, opLater}, // sign extension
		{0xd0, 0xd2, opLater}, // ref.null, ref.is_null, ref.func
		{0xfc, 0xfc, opBulk},
		{0xfd, 0xfd, opVector},
		{0xfe, 0xfe, opAtomic},
	}
}

// bulkRanges are the opcodes behind 0xfc.
func bulkRanges() []opRange {
	return []opRange{
		{0, 7, opNone}, // saturating conversions
		{8, 8, opDataMemory},
		{9, 9, opDataIndex},
		{10, 10, opTwoMemories}, // memory.copy
		{11, 11, opMemoryIndex}, // memory.fill
		{12, 12, opTwoIndices},  // table.init
		{13, 13, opIndex},       // elem.drop
		{14, 14, opTwoIndices},  // table.copy
		{15, 17, opIndex},       // table.grow, size, fill
	}
}

// vectorRanges are the opcodes behind 0xfd (core specification 5.4.8). From 0x5e on they have holes.
func vectorRanges() []opRange {
	return []opRange{
		{0x00, 0x0b, opMemory},
		{0x0c, 0x0d, opSixteenBytes}, // v128.const, i8x16.shuffle
		{0x0e, 0x14, opNone},
		{0x15, 0x22, opLane},
		{0x23, 0x53, opNone},
		{0x54, 0x5b, opMemoryLane},
		{0x5c, 0x5d, opMemory},
		{0x5e, 0x99, opNone},
		{0x9b, 0xa1, opNone},
		{0xa3, 0xa4, opNone},
		{0xa7, 0xae, opNone},
		{0xb1, 0xb1, opNone},
		{0xb5, 0xba, opNone},
		{0xbc, 0xc1, opNone},
		{0xc3, 0xc4, opNone},
		{0xc7, 0xce, opNone},
		{0xd1, 0xd1, opNone},
		{0xd5, 0xe1, opNone},
		{0xe3, 0xed, opNone},
		{0xef, 0xff, opNone},
	}
}

// atomicRanges are the opcodes behind 0xfe (threads proposal).
func atomicRanges() []opRange {
	return []opRange{
		{0x00, 0x02, opMemory}, // memory.atomic.notify, wait32, wait64
		{0x03, 0x03, opZeroByte},
		{0x10, 0x4e, opMemory},
	}
}
