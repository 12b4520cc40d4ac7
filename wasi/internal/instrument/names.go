package instrument

import (
	"cmp"
	"slices"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// writeNames keeps the names of functions, for stack traces, and adds those of ours. All other custom sections go: engines
// have no use for them, and what is in them, like debugging information, would tell of code that is there no more.
func (w *writer) writeNames() {
	const subsectionFunctions = 1
	old := w.functionNames()
	total := len(old) + len(w.hosts) + len(w.helpers)
	functions := binary.AppendUint(nil, uint64(total))
	w.out.Names = make(map[uint32]string, total)
	appendName := func(index uint32, name []byte) {
		w.out.Names[index] = string(name)
		functions = binary.AppendBytes(binary.AppendUint(functions, uint64(index)), name)
	}
	for len(old) > 0 && old[0].Index < w.imported {
		appendName(old[0].Index, old[0].Name)
		old = old[1:]
	}
	for i, h := range w.hosts {
		appendName(w.imported+uint32(i), []byte(reserved+h.name))
	}
	for _, n := range old {
		appendName(w.shift(n.Index), n.Name)
	}
	helpers := w.shift(w.imported) + uint32(len(w.module.Bodies))
	for i, h := range w.helpers {
		appendName(helpers+uint32(i), []byte(h.name))
	}
	content := moduleName(w.module.Outline.ModuleName)
	content = binary.AppendBytes(append(content, subsectionFunctions), functions)
	kept := w.module.Sections[:0:0]
	for _, s := range w.module.Sections {
		if s.ID != binary.SectionCustom {
			kept = append(kept, s)
		}
	}
	w.module.Sections = append(kept, binary.Section{ID: binary.SectionCustom, Content: content})
}

// Asks tells whether a function of ours has the name, of those that stand between the guest's own and [Yield].
func Asks(name string) bool { return name == reserved+"stop" || name == reserved+"charge" }

// moduleName returns a name section with the name of the module, if it has one.
func moduleName(name string) []byte {
	const subsectionModule = 0
	content := binary.AppendName(nil, "name")
	if name == "" {
		return content
	}
	return binary.AppendBytes(append(content, subsectionModule), binary.AppendName(nil, name))
}

// functionNames returns the names of the functions that there are, by ascending index.
func (w *writer) functionNames() []binary.FunctionName {
	names := slices.Clone(w.module.FunctionNames)
	slices.SortStableFunc(names, func(a, b binary.FunctionName) int { return cmp.Compare(a.Index, b.Index) })
	names = slices.CompactFunc(names, func(a, b binary.FunctionName) bool { return a.Index == b.Index })
	return slices.DeleteFunc(names, func(n binary.FunctionName) bool {
		_, ok := w.module.FuncTypeIndex(n.Index)
		return !ok
	})
}
