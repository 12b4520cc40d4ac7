package instrument

// frame estimates the native stack frame of a function: what a call takes at the least, its parameters, results and
// locals, and what the compiler keeps of intermediate values, which grows with the code.
func (s *survey) frame(index int) uint64 {
	const least, slot, codePerSlot = 64, 8, 32
	body := &s.module.Bodies[index]
	values := uint64(body.LocalCount)
	if t, ok := s.module.Outline.FuncType(s.imported + uint32(index)); ok {
		values += uint64(len(t.Params) + len(t.Results))
	}
	return least + slot*(values+uint64(len(body.Code))/codePerSlot)
}

// countStack decides which functions count the stack at their entry. Every cycle of calls has to go through one that
// does, and what can pile up between two that do has to be small: it is counted in advance by the first.
//
// A cycle through a table goes through a function that stands in a table and calls others; all of those count. For the
// others it takes a search along the direct calls, in depth, where each function that is met again while its own calls are
// searched closes a cycle.
func countStack(functions []function) {
	const chain = 16 << 10 // bytes
	height := make([]uint64, len(functions))
	counts := make([]bool, len(functions))
	for i := range functions {
		counts[i] = functions[i].addressed && functions[i].callsOut
	}
	search(functions, func(caller, callee int, closesCycle bool) {
		if closesCycle {
			counts[callee] = true
		} else if !counts[callee] {
			height[caller] = max(height[caller], height[callee])
		}
	}, func(done int) {
		f := &functions[done]
		height[done] += f.frame
		if height[done] > chain {
			counts[done] = true
		}
		if counts[done] {
			const most = (stackFull - 1) * stackUnit
			f.stack = min(height[done], most)
			height[done] = 0
		}
	})
}

// search visits every function and every direct call, in depth. It calls edge for each call once its callee has been
// searched, or found to be searched at the time, and done for each function after all of its calls. It keeps its own
// stack, as chains of calls can be as long as a module has functions.
func search(functions []function, edge func(caller, callee int, closesCycle bool), done func(function int)) {
	const fresh, active, finished = 0, 1, 2
	state := make([]byte, len(functions))
	next := make([]int, len(functions))
	var path []int
	for root := range functions {
		if state[root] == fresh {
			path = append(path, root)
			state[root] = active
		}
		for len(path) > 0 {
			at := path[len(path)-1]
			if next[at] == len(functions[at].calls) {
				state[at] = finished
				done(at)
				path = path[:len(path)-1]
				continue
			}
			callee := int(functions[at].calls[next[at]])
			switch state[callee] {
			case fresh:
				path = append(path, callee)
				state[callee] = active
				continue // and come back to this call
			case active:
				edge(at, callee, true)
			default:
				edge(at, callee, false)
			}
			next[at]++
		}
	}
}
