package binary

// Outline is what a module declares, without its code and data. It shares no memory with the module it was read from,
// and nothing writes to it after [Scan].
type Outline struct {
	// Types are the function types, in the order of the module.
	Types []FuncType
	// Imports and Exports are in the order of the module.
	Imports []Import
	Exports []Export
	// Memories are those that the module defines; there is at most one memory, defined here or imported.
	Memories []MemoryType
	// Tables are those that the module defines.
	Tables []TableType
	// Functions is the number of functions that the module defines.
	Functions int
	// Globals sums up the globals that the module defines.
	Globals Globals
	// DataSegments and Elements are the numbers of data and element segments.
	DataSegments int
	Elements     int
	// HasStart tells whether a start function runs when the module is instantiated.
	HasStart bool
	// HasDataCount tells whether there is a data count section, without which no instruction may name a data segment.
	HasDataCount bool
	// Customs are the custom sections, in the order of the module.
	Customs []Custom
	// Features are the proposals that the module uses.
	Features Features
	// ModuleName is the module's name in its name section; empty when there is none.
	ModuleName string

	funcs []uint32 // the index in Types of every function, imported ones first
}

// Globals sums up the globals that a module defines; imported ones are not counted.
type Globals struct {
	// Count is the number of globals, and Mutable that of those that can change.
	Count, Mutable int
	// MutableReference tells whether a mutable global holds a reference, which no snapshot can keep.
	MutableReference bool
	// MutableVector tells whether a mutable global holds a v128.
	MutableVector bool
}

// FuncType returns the type of the function with the given index, imported functions first; false if there is none.
func (o *Outline) FuncType(index uint32) (FuncType, bool) {
	if uint64(index) >= uint64(len(o.funcs)) {
		return FuncType{}, false
	}
	return o.Types[o.funcs[index]], true
}

// Exported returns the export with the given name and kind; false if there is none.
func (o *Outline) Exported(name string, kind Kind) (Export, bool) {
	for _, e := range o.Exports {
		if e.Name == name && e.Kind == kind {
			return e, true
		}
	}
	return Export{}, false
}

// ExportedFunc returns the type of the function that the module exports under name, which may be one that it imports;
// false if there is none.
func (o *Outline) ExportedFunc(name string) (FuncType, bool) {
	e, ok := o.Exported(name, KindFunc)
	if !ok {
		return FuncType{}, false
	}
	return o.FuncType(e.Index)
}

// Memory returns the type of the module's memory, defined or imported; false if it has none.
func (o *Outline) Memory() (MemoryType, bool) {
	for _, i := range o.Imports {
		if i.Kind == KindMemory {
			return i.Memory, true
		}
	}
	if len(o.Memories) > 0 {
		return o.Memories[0], true
	}
	return MemoryType{}, false
}
