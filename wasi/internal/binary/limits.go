package binary

// Limits bounds what a module may declare. Every field is inclusive, and zero allows none: start from [DefaultLimits].
type Limits struct {
	// Types is the number of function types.
	Types int
	// Params is the number of parameters of one function type.
	Params int
	// Results is the number of results of one function type.
	Results int
	// Imports is the number of imports of all kinds.
	Imports int
	// Functions is the number of functions that the module defines.
	Functions int
	// Tables is the number of tables that the module defines.
	Tables int
	// TableEntries is the sum of the minimal sizes of all tables, imported ones included, in entries.
	TableEntries int
	// Globals is the number of globals that the module defines.
	Globals int
	// Exports is the number of exports of all kinds.
	Exports int
	// Elements is the number of element segments.
	Elements int
	// ElementEntries is the number of references in all element segments together.
	ElementEntries int
	// DataSegments is the number of data segments.
	DataSegments int
	// Customs is the number of custom sections.
	Customs int
	// NameBytes is the length of one name (of an import, an export, a custom section or a function), in bytes.
	NameBytes int
	// DebugNames is the number of names in the name section, those of functions and of locals together.
	DebugNames int
	// BodyBytes is the size of one function's body, in bytes.
	BodyBytes int
	// Locals is the number of locals that one function declares, parameters not counted.
	Locals int
	// Nesting is how deep blocks, loops and ifs lie within each other in one function, its own body counted as one.
	Nesting int
	// BranchTargets is the number of targets in one br_table, its default not counted.
	BranchTargets int
}

// DefaultLimits returns limits that every honest module met so far stays well within, and within which no module makes
// the engine's decoder allocate without measure. Most are those that browsers agreed on, in "Implementation
// Limitations" of the WebAssembly JavaScript interface (https://www.w3.org/TR/wasm-js-api-2/#limits). Data segments are
// the exception: the Go linker leaves out runs of zeroes, and so writes 57,000 of them for a program of 6 MB.
func DefaultLimits() Limits {
	return Limits{
		Types:          50_000,
		Params:         1_000,
		Results:        1_000,
		Imports:        100_000,
		Functions:      200_000,
		Tables:         1_000,
		TableEntries:   1_000_000,
		Globals:        100_000,
		Exports:        100_000,
		Elements:       100_000,
		ElementEntries: 1_000_000,
		DataSegments:   1_000_000,
		Customs:        10_000,
		NameBytes:      100_000,
		DebugNames:     1_000_000,
		BodyBytes:      7_654_321,
		Locals:         50_000,
		Nesting:        20_000,
		BranchTargets:  65_520,
	}
}
