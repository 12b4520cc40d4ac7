package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// survey reads all functions of a module for a plan.
type survey struct {
	plan     *plan
	module   *binary.Module
	imported uint32

	current  *function
	sum      uint64      // weight of the code so far
	branches bool        // whether there are any
	open     []construct // that are open
	loops    []target    // of the function, in the order of its loops
	jumps    jumps
}

// construct is a block, loop or if that is open.
type construct struct {
	loop int // the loop's index, or -1
	// owner is the index of the loop whose dispatch the block is part of, as the number-th from the outside; -1 if of none.
	owner, number int
}

// function reads one function.
func (s *survey) function(index int) {
	s.current = &s.plan.functions[index]
	s.open = append(s.open[:0], construct{loop: -1, owner: -1})
	s.sum, s.branches, s.loops, s.jumps = 0, false, s.loops[:0], jumps{blocks: -1}
	var in binary.Instruction
	for w := s.module.Walk(index); w.Next(&in); {
		s.sum += weight(&in, s.imported)
		s.structure(&in)
		s.jumps.follow(s, &in)
		s.calls(&in)
		s.facts(&in)
	}
	f := s.current
	if f.entry = s.sum; s.branches && f.entry > leafWeight {
		f.entry = (f.entry + 1) / 2 // as a rule much of the code is passed over
	}
	f.entry = min(f.entry, maxWeight)
	f.frame = s.frame(index)
}

// structure follows constructs and branches.
func (s *survey) structure(in *binary.Instruction) {
	switch in.Op {
	case binary.OpLoop:
		s.open = append(s.open, construct{loop: len(s.loops), owner: -1})
		s.loops = append(s.loops, target{sum: s.sum, place: len(s.open) - 1, parameters: s.parameters(in.Value)})
		s.current.loops = append(s.current.loops, loop{})
	case binary.OpBlock, binary.OpIf:
		s.branches = s.branches || in.Op == binary.OpIf
		s.open = append(s.open, construct{loop: -1, owner: -1})
	case binary.OpEnd:
		last := len(s.open) - 1
		if c := s.open[last]; c.owner >= 0 {
			s.loops[c.owner].ends[c.number] = s.sum
		}
		s.open = s.open[:last]
	case binary.OpBr, binary.OpBrIf:
		s.branches = true
		s.branch(in)
	case binary.OpBrTable:
		s.branches = true
		for _, label := range in.Labels() {
			if l := s.loopAt(label); l >= 0 {
				s.back(l, s.sum-s.loops[l].sum, true)
			}
		}
	default:
	}
}

// parameters tells whether a block of the given type has parameters.
func (s *survey) parameters(blockType int64) bool {
	return blockType >= 0 && len(s.module.Outline.Types[blockType].Params) > 0
}

// loopAt returns the index of the loop that a label means, or -1. Labels have not been checked.
func (s *survey) loopAt(label uint32) int {
	if uint64(label) >= uint64(len(s.open)) {
		return -1
	}
	return s.open[len(s.open)-1-int(label)].loop
}

// branch notes a br or br_if to a loop.
func (s *survey) branch(in *binary.Instruction) {
	l := s.loopAt(in.Index)
	if l < 0 {
		return
	}
	at := site{weight: s.sum - s.loops[l].sum, forward: -1}
	if in.Op == binary.OpBr {
		s.jumps.resolve(s, l, &at)
	}
	if at.forward < 0 {
		at.weight = min(max(at.weight, 1), maxWeight)
		s.back(l, at.weight, s.loops[l].parameters)
	}
	s.current.sites = append(s.current.sites, at)
}

// back notes a branch back to a loop, which is charged at the loop's head if it cannot be where it stands.
func (s *survey) back(index int, weight uint64, atHead bool) {
	l := &s.current.loops[index]
	l.charged = true
	s.current.looping = true
	s.loops[index].most = max(s.loops[index].most, weight, 1)
	s.loops[index].atHead = s.loops[index].atHead || atHead
	if s.loops[index].atHead {
		l.head = min(s.loops[index].most, maxWeight)
	}
}

// calls notes what the function calls.
func (s *survey) calls(in *binary.Instruction) {
	switch in.Op {
	case binary.OpCall, binary.OpReturnCall:
		s.current.callsOut = true
		if callee := in.Index - s.imported; in.Index >= s.imported && uint64(callee) < uint64(len(s.plan.functions)) {
			s.current.calls = append(s.current.calls, callee)
		}
	case binary.OpCallIndirect, binary.OpReturnCallIndirect:
		s.current.callsOut = true
	case binary.OpRefFunc:
		s.address(in.Index)
	default:
	}
}

// facts notes what the module does that concerns the whole of it.
func (s *survey) facts(in *binary.Instruction) {
	p := s.plan
	switch in.Op {
	case binary.OpTableGrow:
		p.growable[in.Index] = true
		p.changesTables = true
	case binary.OpTableSet, binary.OpTableFill, binary.OpTableCopy, binary.OpTableInit, binary.OpElemDrop:
		p.changesTables = true
	case binary.OpDataDrop:
		p.dropsData, p.segments = true, true
	case binary.OpMemoryInit:
		p.segments = true
	case binary.OpAtomicWait32:
		p.wait32 = p.shared
	case binary.OpAtomicWait64:
		p.wait64 = p.shared
	default:
	}
}

// addressed notes which functions can get into tables, or out to the host by a table or a global. The host calls no
// exports in the midst of a call.
func (s *survey) addressed() {
	for i := range s.module.Elements {
		e := &s.module.Elements[i]
		for _, f := range e.Functions {
			s.address(f)
		}
		for _, expression := range e.Expressions {
			s.addressIn(expression)
		}
	}
	for _, g := range s.module.Globals {
		s.addressIn(g.Init)
	}
}

func (s *survey) addressIn(expression []byte) {
	var in binary.Instruction
	for w := s.module.WalkExpression(expression); w.Next(&in); {
		if in.Op == binary.OpRefFunc {
			s.address(in.Index)
		}
	}
}

func (s *survey) address(index uint32) {
	if i := index - s.imported; index >= s.imported && uint64(i) < uint64(len(s.plan.functions)) {
		s.plan.functions[i].addressed = true
	}
}
