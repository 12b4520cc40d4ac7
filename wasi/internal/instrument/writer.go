package instrument

import (
	"slices"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// writer puts an instrumented module together.
type writer struct {
	module  *binary.Module
	options Options
	plan    *plan
	out     *Prepared

	imported uint32               // number of functions that the module imports
	hosts    []host               // what is imported in addition, behind those
	types    []binary.FuncType    // what is added to the module's types
	helpers  []helper             // functions that are added, behind the module's own
	byKey    map[helperKey]uint32 // their indices
}

// host is a function of the host.
type host struct {
	name string
	typ  uint32
}

// shift returns the new index of a function of the module.
func (w *writer) shift(function uint32) uint32 {
	if function < w.imported {
		return function
	}
	return function + uint32(len(w.hosts))
}

// meter is the index of the meter's global, which is the last.
func (w *writer) meter() uint32 {
	n := uint32(len(w.module.Globals))
	for _, i := range w.module.Outline.Imports {
		if i.Kind == binary.KindGlobal {
			n++
		}
	}
	return n
}

// typeOf returns the index of a function type, which is added if the module does not have it.
func (w *writer) typeOf(params, results []binary.ValType) uint32 {
	same := func(t binary.FuncType) bool {
		return slices.Equal(t.Params, params) && slices.Equal(t.Results, results)
	}
	if i := slices.IndexFunc(w.types, same); i >= 0 {
		return uint32(len(w.module.Outline.Types) + i)
	}
	w.types = append(w.types, binary.FuncType{Params: params, Results: results})
	return uint32(len(w.module.Outline.Types) + len(w.types) - 1)
}

// addImports decides what is imported. The functions of the module move up by as many.
func (w *writer) addImports() {
	const i32, i64 = binary.I32, binary.I64
	w.hosts = []host{{Yield, w.typeOf(nil, nil)}, {Exhausted, w.typeOf(nil, nil)}}
	if w.plan.wait32 {
		w.hosts = append(w.hosts, host{Wait32, w.typeOf([]binary.ValType{i32, i32, i64, i32}, []binary.ValType{i32})})
	}
	if w.plan.wait64 {
		w.hosts = append(w.hosts, host{Wait64, w.typeOf([]binary.ValType{i32, i64, i64, i32}, []binary.ValType{i32})})
	}
	w.out.Waits = w.plan.wait32 || w.plan.wait64
	count, rest := binary.Vector(w.module.Section(binary.SectionImport))
	content := binary.AppendUint(nil, uint64(count+len(w.hosts)))
	content = append(content, rest...)
	for _, h := range w.hosts {
		content = binary.AppendName(content, HostModule)
		content = binary.AppendName(content, h.name)
		content = append(content, byte(binary.KindFunc))
		content = binary.AppendUint(content, uint64(h.typ))
	}
	w.module.Set(binary.SectionImport, content)
}

// hostFunction returns the index of a function of the host, which must be imported.
func (w *writer) hostFunction(name string) uint32 {
	return w.imported + uint32(slices.IndexFunc(w.hosts, func(h host) bool { return h.name == name }))
}

// writeDeclarations writes the types and the functions, once all are known.
func (w *writer) writeDeclarations() {
	const funcForm = 0x60
	count, rest := binary.Vector(w.module.Section(binary.SectionType))
	types := append(binary.AppendUint(nil, uint64(count+len(w.types))), rest...)
	for _, t := range w.types {
		types = append(types, funcForm)
		types = appendTypes(appendTypes(types, t.Params), t.Results)
	}
	w.module.Set(binary.SectionType, types)
	count, rest = binary.Vector(w.module.Section(binary.SectionFunction))
	functions := append(binary.AppendUint(nil, uint64(count+len(w.helpers))), rest...)
	for _, h := range w.helpers {
		functions = binary.AppendUint(functions, uint64(h.typ))
	}
	w.module.Set(binary.SectionFunction, functions)
}

func appendTypes(b []byte, types []binary.ValType) []byte {
	b = binary.AppendUint(b, uint64(len(types)))
	for _, t := range types {
		b = append(b, byte(t))
	}
	return b
}

// writeCode writes all bodies, and then those of the helpers, which the former ask for as they go.
func (w *writer) writeCode() {
	var bodies []byte
	var body code
	for i := range w.module.Bodies {
		b := newBody(w, i, body[:0])
		b.write()
		body = b.code
		bodies = binary.AppendUint(bodies, uint64(len(b.locals)+len(body)))
		bodies = append(append(bodies, b.locals...), body...)
	}
	w.helper(helperKey{name: wholeHelper})
	w.finishHelpers()
	for _, h := range w.helpers {
		bodies = binary.AppendBytes(bodies, h.body)
	}
	content := binary.AppendUint(nil, uint64(len(w.module.Bodies)+len(w.helpers)))
	w.module.Set(binary.SectionCode, append(content, bodies...))
}
