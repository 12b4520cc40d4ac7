package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// The weights, in fuel. One is about a simple instruction; the rest are what they take in proportion, from measurements
// with wazero's compiler on amd64, rounded.
const (
	weightDivide   = 10
	weightTable    = 3  // of a br_table
	weightCall     = 12 // to a function of the module, with what a small one does that is not charged itself
	weightIndirect = 16 // through a table
	weightHost     = 50 // to a function of the host, or of the engine's own that leaves compiled code
	weightBulk     = 16 // of an instruction on many bytes or entries, to which their number is added
	weightGrow     = 1000

	// bytesPerFuel and entriesPerFuel are how much a bulk instruction does for one unit of fuel.
	bytesPerFuel   = 16
	entriesPerFuel = 2
	// pieceBytes and pieceEntries are how much one does at a time.
	pieceBytes   = 1 << 20
	pieceEntries = pieceBytes / 8
	// shortBytes is up to where the number of bytes is not charged at all: they take no longer than the call.
	shortBytes = 1024

	// leafWeight is up to where a function that calls no other and has no loop is not charged.
	leafWeight = 40
	// maxWeight is where sums of weights end, so that they fit where they are used.
	maxWeight = 1 << 30
)

// weight returns what an instruction costs.
func weight(in *binary.Instruction, imported uint32) uint64 {
	switch in.Op {
	case binary.OpBlock, binary.OpLoop, binary.OpElse, binary.OpEnd:
		return 0
	case binary.OpBrTable:
		return weightTable
	case binary.OpCall, binary.OpReturnCall:
		if in.Index < imported {
			return weightHost
		}
		return weightCall
	case binary.OpCallIndirect, binary.OpReturnCallIndirect:
		return weightIndirect
	case binary.OpI32DivS, binary.OpI32DivU, binary.OpI32RemS, binary.OpI32RemU,
		binary.OpI64DivS, binary.OpI64DivU, binary.OpI64RemS, binary.OpI64RemU,
		binary.OpF32Div, binary.OpF32Sqrt, binary.OpF64Div, binary.OpF64Sqrt:
		return weightDivide
	case binary.OpMemoryGrow, binary.OpTableGrow:
		return weightGrow
	case binary.OpRefFunc, binary.OpAtomicNotify, binary.OpAtomicWait32, binary.OpAtomicWait64:
		return weightHost
	case binary.OpMemoryCopy, binary.OpMemoryFill, binary.OpMemoryInit,
		binary.OpTableInit, binary.OpTableCopy, binary.OpTableFill:
		return weightBulk
	default:
		return 1
	}
}
