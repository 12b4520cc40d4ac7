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
//
// What a function costs follows from one thought. Time that does not end goes back in the code without end. A branch back
// to a loop's head is charged the weight of all code from there up to the branch, and the entry of a function the weight
// of its code. What has run can then never be more than what was charged: code that runs goes forward, and for every
// step forward either a branch went back over it, or it is the first.
type function struct {
	loops []loop   // in the order of their heads
	sites []site   // br and br_if whose label is a loop's, in the order of the code
	calls []uint32 // functions that it calls directly, by their index among those that the module defines
	entry uint64   // what is charged at its entry
	frame uint64   // estimate of its native stack frame, in bytes
	stack uint64   // what is counted of the stack at its entry, in bytes; 0 if nothing is
	// looping tells whether it goes back anywhere.
	looping bool
	// callsOut tells whether it calls anything, the host included.
	callsOut bool
	// addressed tells whether it can be called through a table.
	addressed bool
}

// loop is a loop.
type loop struct {
	// head is what is charged at the head rather than where it is branched to, as for loops with parameters: the most
	// that any branch would be; 0 if that is not needed.
	head uint64
	// charged tells whether anything is charged for the loop.
	charged bool
}

// site is a branch to a loop.
type site struct {
	weight uint64 // what it is charged, unless the loop's head is; 0 if it does not go back
	// forward is the label of the block to whose end the loop's head sends this branch, if that is known, and comes
	// later; -1 otherwise.
	forward int
}

// free tells whether the function is charged to its callers, in the weight of a call.
func (f *function) free() bool { return !f.callsOut && !f.looping && f.entry <= leafWeight }

// makePlan walks all functions.
func makePlan(m *binary.Module) *plan {
	memory, _ := m.Outline.Memory()
	p := &plan{functions: make([]function, len(m.Bodies)), growable: map[uint32]bool{}, shared: memory.Shared}
	s := survey{plan: p, module: m, imported: uint32(m.ImportedFunctions())}
	for i := range m.Bodies {
		s.function(i)
	}
	s.addressed()
	countStack(p.functions)
	return p
}
