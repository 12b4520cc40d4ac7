package profile

import (
	"cmp"
	"slices"

	"github.com/spacewasm/spacewasm/host/api/wire"
	"github.com/spacewasm/spacewasm/wasi"
)

// smallest is the part of all time that a function has to have to stand in a tree, as
// people see it: a guest makes its stacks.
const smallest = 1000

// Tree returns what a flame graph shows: each function has what it used with all that it
// called. What is too small to be seen is summed up, so that there are some thousand nodes
// for each level at most.
func (p *Profile) Tree() wire.Frame {
	root := &node{frame: wire.Frame{Name: p.Micro, Host: true}}
	for _, s := range p.Stacks {
		at := root
		at.add(s)
		for _, f := range slices.Backward(s.Frames) {
			at = at.child(f)
			at.add(s)
		}
	}
	return root.prune(root.frame.TimeNS / smallest)
}

// node is a function as it is called by those above.
type node struct {
	frame    wire.Frame
	children map[wasi.Frame]*node
}

func (n *node) add(s wasi.Sample) {
	n.frame.Samples += s.Count
	n.frame.Fuel += s.Fuel
	n.frame.TimeNS += s.Time.Nanoseconds()
}

func (n *node) child(f wasi.Frame) *node {
	c := n.children[f]
	if c == nil {
		if n.children == nil {
			n.children = map[wasi.Frame]*node{}
		}
		c = &node{frame: wire.Frame{Name: f.Name, Host: f.Host}}
		n.children[f] = c
	}
	return c
}

// prune returns the tree without those that took less than so long.
func (n *node) prune(least int64) wire.Frame {
	frame, others := n.frame, wire.Frame{Name: "(others)", Host: true}
	for _, c := range n.children {
		if c.frame.TimeNS >= least {
			frame.Children = append(frame.Children, c.prune(least))
			continue
		}
		others.Samples += c.frame.Samples
		others.Fuel += c.frame.Fuel
		others.TimeNS += c.frame.TimeNS
	}
	if others.Samples > 0 || others.TimeNS > 0 {
		frame.Children = append(frame.Children, others)
	}
	slices.SortFunc(frame.Children, func(a, b wire.Frame) int {
		return cmp.Or(cmp.Compare(b.TimeNS, a.TimeNS), cmp.Compare(a.Name, b.Name))
	})
	return frame
}
