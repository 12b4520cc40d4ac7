package sqlite

import "github.com/tetratelabs/wazero/api"

// Functions are those of the ABI as the engine calls them, with the letters of their
// parameters.
func Functions() (run map[string]api.GoModuleFunc, params map[string]string) {
	run, params = map[string]api.GoModuleFunc{}, map[string]string{}
	for _, f := range functions() {
		run[f.name], params[f.name] = f.run(), f.params
	}
	return run, params
}

// Heaps is how many connections there are in the process.
func Heaps() (n int) {
	all.heaps.Range(func(any, any) bool { n++; return true })
	return n
}

// Used is what the connections of a pool have of memory.
func (p *Pool) Used() (n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.files {
		for _, c := range f.idle {
			n += c.heap.used.Load()
		}
	}
	return n
}

// Forget lets the session hand over as much as a new one.
func (s *Session) Forget() { s.results = 0 }

// Broken is the stack of the latest failure of the library in itself, which it forgets.
func Broken() string {
	if stack := all.broken.Swap(nil); stack != nil {
		return *stack
	}
	return ""
}
