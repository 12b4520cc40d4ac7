package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// plan says what is done to each function of a module.
type plan struct {
	functions []function // those that the module defines
	// growable are the tables that have a table.grow.
	growable map[uint32]bool
	// segments tells whether instructions name data segments.
	segments       bool
	changesTables  bool
	dropsData      bool
	wait32, wait64 bool // whether there are such instructions
	shared         bool // whether the memory is, without which those trap
}

// function is what there is to know of one function, and what is to be done to it.
type function struct {
	loops []loop // in the order of their heads
	calls []call // direct ones to functions of the module
	entry uint64 // weight of what is in no loop
	frame uint64 // estimate of its native stack frame, in bytes
	stack uint64 // what is counted of the stack at its entry, in bytes; 0 if nothing is
	// looping tells whether a loop of the function is charged.
	looping bool
	// callsOut tells whether it calls anything, the host included.
	callsOut bool
	// addressed tells whether it can be called through a table.
	addressed bool
}

// loop is a loop, without the loops in it.
type loop struct {
	weight uint64
	parent int // index of the loop around it; -1 if there is none
	backs  int // branches to its head
}

// call is a call of a function, by its index among those that the module defines, from within a loop or, if that is -1,
// outside of all.
type call struct {
	callee uint32
	loop   int
}

// free tells whether the function's weight is its callers' matter.
func (f *function) free() bool { return !f.callsOut && len(f.loops) == 0 && f.entry <= leafWeight }

// makePlan walks all functions.
func makePlan(m *binary.Module) *plan {
	memory, _ := m.Outline.Memory()
	p := &plan{functions: make([]function, len(m.Bodies)), growable: map[uint32]bool{}, shared: memory.Shared}
	s := survey{plan: p, module: m, imported: uint32(m.ImportedFunctions())}
	for i := range m.Bodies {
		s.function(i)
	}
	s.addressed()
	for i := range p.functions {
		p.functions[i].settle(p.functions)
	}
	countStack(p.functions)
	return p
}

// settle works out what the function's entry and its loops cost, once it is known which callees are free.
func (f *function) settle(all []function) {
	for _, c := range f.calls {
		if callee := &all[c.callee]; callee.free() {
			*f.region(c.loop) += callee.entry
		}
	}
	// From the inside out: a loop that is never repeated is part of what is around it.
	for i := len(f.loops) - 1; i >= 0; i-- {
		if l := &f.loops[i]; l.backs == 0 {
			*f.region(l.parent) += l.weight
		}
	}
	for i := range f.loops {
		f.loops[i].settle()
		f.looping = f.looping || f.loops[i].weight > 0
	}
	f.entry = min(f.entry, maxWeight)
}

// region returns where the weight of a loop is summed up, or that of the function's entry.
func (f *function) region(loop int) *uint64 {
	if loop < 0 {
		return &f.entry
	}
	return &f.loops[loop].weight
}

// settle turns the weight of all of a loop into that of one iteration. Where there are many ways back to the head, as in
// the functions of Go, which are one loop around a br_table, few iterations take a large part of it. The estimate is
// never below a fixed share of the longest, so that no module can run long for little.
func (l *loop) settle() {
	const share = 32
	if l.backs == 0 {
		l.weight = 0
		return
	}
	backs := uint64(min(l.backs, share))
	l.weight = min(max((l.weight+backs-1)/backs, 1), maxWeight)
}
