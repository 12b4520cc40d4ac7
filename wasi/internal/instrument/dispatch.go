package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// target is a loop as the survey knows it.
type target struct {
	sum        uint64 // weight of the code before its head
	most       uint64 // the most that any branch to it is charged
	place      int    // of its construct among those that are open
	parameters bool
	atHead     bool

	// A dispatch: the loop begins with blocks within each other, in the innermost of which is just a br_table by a
	// local. The compiler of Go makes a function of that, and jumps by setting the local and branching to the loop.
	local uint32
	table []uint32 // labels
	ends  []uint64 // weight of the code before each block's end, from the outside; known once the block is closed
}

// jumps recognises dispatches, and branches to loops that have one.
type jumps struct {
	blocks int    // how many have been opened since the loop that was opened last, if nothing else came between; else -1
	got    bool   // whether a local.get came after those
	local  uint32 // which one
	value  int64  // of an i32.const
	state  jumpState
}

// jumpState is how much of i32.const, local.set has been read.
type jumpState int

const (
	jumpNothing jumpState = iota
	jumpConst
	jumpSet
)

// follow takes notice of an instruction.
func (j *jumps) follow(s *survey, in *binary.Instruction) {
	j.followDispatch(s, in)
	switch {
	case in.Op == binary.OpI32Const:
		j.state, j.value = jumpConst, in.Value
	case in.Op == binary.OpLocalSet && j.state == jumpConst:
		j.state, j.local = jumpSet, in.Index
	default:
		j.state = jumpNothing
	}
}

func (j *jumps) followDispatch(s *survey, in *binary.Instruction) {
	switch {
	case in.Op == binary.OpLoop:
		j.blocks, j.got = 0, false
	case in.Op == binary.OpBlock && in.Value == binary.BlockEmpty && j.blocks >= 0 && !j.got:
		j.blocks++
	case in.Op == binary.OpLocalGet && j.blocks > 0 && !j.got:
		j.got, j.local = true, in.Index
	case in.Op == binary.OpBrTable && j.got:
		s.dispatch(j.blocks, j.local, in.Labels())
		fallthrough
	default:
		j.blocks, j.got = -1, false
	}
}

// dispatch notes that the loop that was opened last begins with that many blocks and a br_table by local.
func (s *survey) dispatch(blocks int, local uint32, labels []uint32) {
	index := len(s.loops) - 1
	l := &s.loops[index]
	l.local, l.table, l.ends = local, labels, make([]uint64, blocks)
	for i := range blocks {
		c := &s.open[l.place+1+i]
		c.owner, c.number = index, i
	}
}

// resolve finds out where a branch to a loop goes on, if the loop has a dispatch and the branch comes right after its local
// was set.
func (j *jumps) resolve(s *survey, index int, at *site) {
	l := &s.loops[index]
	if j.state != jumpSet || l.table == nil || j.local != l.local {
		return
	}
	label := l.table[min(uint64(uint32(j.value)), uint64(len(l.table)-1))]
	if uint64(label) >= uint64(len(l.ends)) {
		return // out of the loop, or to its head
	}
	number := len(l.ends) - 1 - int(label)
	place := l.place + 1 + number
	if place < len(s.open) && s.open[place].owner == index && s.open[place].number == number {
		at.forward = len(s.open) - 1 - place
		return
	}
	at.weight = s.sum - l.ends[number]
}
