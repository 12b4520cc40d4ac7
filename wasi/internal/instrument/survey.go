package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// survey reads all functions of a module for a plan.
type survey struct {
	plan     *plan
	module   *binary.Module
	imported uint32

	current *function
	open    []int // of the constructs that are open, the loop: -1 for others
	loop    int   // the innermost that is open, or -1
}

// function reads one function.
func (s *survey) function(index int) {
	s.current = &s.plan.functions[index]
	s.open = append(s.open[:0], -1)
	s.loop = -1
	var in binary.Instruction
	for w := s.module.Walk(index); w.Next(&in); {
		*s.current.region(s.loop) += weight(&in, s.imported)
		s.structure(&in)
		s.calls(&in)
		s.facts(&in)
	}
	s.current.frame = s.frame(index)
}

// structure follows constructs and branches.
func (s *survey) structure(in *binary.Instruction) {
	switch in.Op {
	case binary.OpLoop:
		s.current.loops = append(s.current.loops, loop{parent: s.loop})
		s.loop = len(s.current.loops) - 1
		s.open = append(s.open, s.loop)
	case binary.OpBlock, binary.OpIf:
		s.open = append(s.open, -1)
	case binary.OpEnd:
		last := len(s.open) - 1
		if closed := s.open[last]; closed >= 0 {
			s.loop = s.current.loops[closed].parent
		}
		s.open = s.open[:last]
	case binary.OpBr, binary.OpBrIf:
		s.branch(in.Index)
	case binary.OpBrTable:
		for _, label := range in.Labels() {
			s.branch(label)
		}
	default:
	}
}

// branch counts a branch to a loop's head. Labels have not been checked.
func (s *survey) branch(label uint32) {
	if uint64(label) >= uint64(len(s.open)) {
		return
	}
	if to := s.open[len(s.open)-1-int(label)]; to >= 0 {
		s.current.loops[to].backs++
	}
}

// calls notes what the function calls.
func (s *survey) calls(in *binary.Instruction) {
	switch in.Op {
	case binary.OpCall, binary.OpReturnCall:
		s.current.callsOut = true
		if callee := in.Index - s.imported; in.Index >= s.imported && uint64(callee) < uint64(len(s.plan.functions)) {
			s.current.calls = append(s.current.calls, call{callee: callee, loop: s.loop})
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
