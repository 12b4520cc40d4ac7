package binary

import "fmt"

// ValType is the type of a value, as its byte in the binary format (core specification 5.3.4).
type ValType byte

// The value types of WebAssembly 2.0.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
)

// String returns the type's name in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return fmt.Sprintf("type %#x", byte(t))
}

// isReference tells whether values of t refer to something of the host's.
func (t ValType) isReference() bool { return t == FuncRef || t == ExternRef }

// isValue tells whether t is a value type that is known here.
func (t ValType) isValue() bool { return t >= V128 && t <= I32 || t.isReference() }

// FuncType is what a function takes and what it returns.
type FuncType struct {
	Params  []ValType
	Results []ValType
}

// Kind is what an import or an export is (core specification 5.5.5).
type Kind byte

// The kinds of imports and exports.
const (
	KindFunc   Kind = 0
	KindTable  Kind = 1
	KindMemory Kind = 2
	KindGlobal Kind = 3
)

// String returns the kind's name in the text format.
func (k Kind) String() string {
	switch k {
	case KindFunc:
		return "func"
	case KindTable:
		return "table"
	case KindMemory:
		return "memory"
	case KindGlobal:
		return "global"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// MemoryType is the size of a linear memory, in pages of 64 KiB.
type MemoryType struct {
	// Min is the size at the start; at most 65536.
	Min uint64
	// Max is the size that the memory may grow to; only meaningful if HasMax.
	Max uint64
	// HasMax tells whether the module states a maximum.
	HasMax bool
	// Shared tells whether threads may share the memory.
	Shared bool
}

// TableType is the size of a table, in entries.
type TableType struct {
	// Elem is the type of the entries, FuncRef or ExternRef.
	Elem ValType
	// HasMax tells whether the module states a maximum.
	HasMax bool
	// Min is the size at the start.
	Min uint32
	// Max is the size that the table may grow to; only meaningful if HasMax.
	Max uint32
}

// GlobalType is the type of a global.
type GlobalType struct {
	Type    ValType
	Mutable bool
}

// Import is something that the module wants from its host. Of Func, Table, Memory and Global, that of its Kind is set.
type Import struct {
	// Module and Name are the two halves of the import's name; both are valid UTF-8.
	Module, Name string
	// Memory is the type of an imported memory.
	Memory MemoryType
	// Table is the type of an imported table.
	Table TableType
	// Func is the index in [Outline.Types] of an imported function's type; it is within range.
	Func uint32
	// Global is the type of an imported global.
	Global GlobalType
	// Kind is what is imported.
	Kind Kind
}

// Export is something that the module offers to its host.
type Export struct {
	// Name is valid UTF-8.
	Name string
	// Index counts things of the Kind, imported ones first; it has not been checked to be within range.
	Index uint32
	// Kind is what is exported.
	Kind Kind
}

// Custom is a custom section, which engines ignore.
type Custom struct {
	// Name is valid UTF-8; it need not be unique.
	Name string
	// Size is the length of the section's content after its name, in bytes.
	Size int
}
