package binary

import "slices"

// Features is a set of proposals: what WebAssembly has, or may get, beyond its first version.
type Features uint32

// The proposals that are read here.
const (
	BulkMemory Features = 1 << iota
	ExtendedConst
	FloatToInt
	MultiValue
	MutableGlobals
	ReferenceTypes
	SIMD
	SignExtension
	TailCall
	Threads
)

// The proposals that are told apart, but are not supported: a module that uses one is refused.
const (
	CustomPageSizes Features = 1 << (iota + 16)
	ExceptionHandling
	FunctionReferences
	GarbageCollection
	Memory64
	MultiMemory
	RelaxedSIMD
	WideArithmetic
)

// feature is a proposal with the name that tools give it, and the one that people do.
type feature struct {
	bit         Features
	name, title string
}

// features are all proposals, sorted by their names.
func features() []feature {
	return []feature{
		{BulkMemory, "bulk-memory", "bulk memory"},
		{CustomPageSizes, "custom-page-sizes", "custom page sizes"},
		{ExceptionHandling, "exception-handling", "exception-handling"},
		{ExtendedConst, "extended-const", "extended constant expressions"},
		{FunctionReferences, "function-references", "typed function references"},
		{GarbageCollection, "gc", "garbage collection"},
		{Memory64, "memory64", "memory64"},
		{MultiMemory, "multi-memory", "multiple memories"},
		{MultiValue, "multi-value", "multi-value"},
		{MutableGlobals, "mutable-globals", "mutable globals"},
		{FloatToInt, "nontrapping-float-to-int", "saturating float-to-int"},
		{ReferenceTypes, "reference-types", "reference types"},
		{RelaxedSIMD, "relaxed-simd", "relaxed SIMD"},
		{SignExtension, "sign-extension", "sign extension"},
		{SIMD, "simd", "SIMD"},
		{TailCall, "tail-call", "tail call"},
		{Threads, "threads", "threads"},
		{WideArithmetic, "wide-arithmetic", "wide arithmetic"},
	}
}

// Names returns the names of the proposals in the set, sorted; nil if it is empty.
func (f Features) Names() []string {
	var names []string
	for _, known := range features() {
		if f&known.bit != 0 {
			names = append(names, known.name)
		}
	}
	return names
}

// title names a proposal for a message.
func (f Features) title() string {
	all := features()
	i := slices.IndexFunc(all, func(known feature) bool { return known.bit == f })
	if i < 0 {
		return ""
	}
	return all[i].title
}

// laterInstruction says of an instruction of one byte that came after the first version by which proposal it did, and
// what follows it.
func laterInstruction(op byte) (Features, operandKind) {
	const returnCall, returnCallIndirect, typedSelect, tableGet, tableSet, refNull, isNull, refFunc = 0x12, 0x13, 0x1c,
		0x25, 0x26, 0xd0, 0xd1, 0xd2
	switch op {
	case returnCall:
		return TailCall, opIndex
	case returnCallIndirect:
		return TailCall, opTwoIndices
	case typedSelect:
		return ReferenceTypes, opValTypes
	case tableGet, tableSet, refFunc:
		return ReferenceTypes, opIndex
	case refNull:
		return ReferenceTypes, opRefType
	case isNull:
		return ReferenceTypes, opNone
	}
	return SignExtension, opNone
}

// prefixedFeature returns the proposal of a known instruction behind a prefix.
func prefixedFeature(prefix byte, second uint32) Features {
	const vector, atomic, lastConversion, lastBulk = 0xfd, 0xfe, 7, 14
	switch {
	case prefix == vector:
		return SIMD
	case prefix == atomic:
		return Threads
	case second <= lastConversion:
		return FloatToInt
	case second <= lastBulk:
		return BulkMemory
	}
	return ReferenceTypes
}

// unknownOpcode returns the proposal that an unknown instruction belongs to, so that its sender knows which flag of
// their compiler to turn off; 0 if none is known.
func unknownOpcode(op byte, second uint32) Features {
	const firstRelaxed, firstWide, lastWide = 0x100, 0x13, 0x16
	switch {
	case op >= 0x06 && op <= 0x0a || op == 0x18 || op == 0x19 || op == 0x1f:
		return ExceptionHandling
	case op == 0x14 || op == 0x15 || op >= 0xd4 && op <= 0xd6:
		return FunctionReferences
	case op == 0xd3 || op == 0xfb:
		return GarbageCollection
	case op == 0xfc && second >= firstWide && second <= lastWide:
		return WideArithmetic
	case op == 0xfd && second >= firstRelaxed:
		return RelaxedSIMD
	}
	return 0
}

// unknownType returns the proposal that an unknown value type, or form of a type, belongs to; 0 if none is known.
func unknownType(t byte) Features {
	switch t {
	case 0x69, 0x74: // exnref, nullexnref
		return ExceptionHandling
	case 0x63, 0x64: // references to a type
		return FunctionReferences
	case 0x4e, 0x4f, 0x50, 0x5e, 0x5f, // rec, sub (final or not), array, struct
		0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73: // arrayref to anyref, and the null types
		return GarbageCollection
	}
	return 0
}
