package instrument

import (
	"strconv"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// maxEntries is how many entries all tables of a module have at most. They lie in the host's memory, outside of any
// cap on the linear memory.
const maxEntries = 1_000_000

// tableTypes returns the types of all tables, imported ones first.
func (w *writer) tableTypes() []binary.TableType {
	var all []binary.TableType
	for _, i := range w.module.Outline.Imports {
		if i.Kind == binary.KindTable {
			all = append(all, i.Table)
		}
	}
	return append(all, w.module.Outline.Tables...)
}

// tableElement returns the type of a table's entries; for one that does not exist, any.
func (w *writer) tableElement(index uint32) binary.ValType {
	if all := w.tableTypes(); uint64(index) < uint64(len(all)) {
		return all[index].Elem
	}
	return binary.FuncRef
}

// writeTables gives each table that can grow an equal share of what there may be beyond the minima. The sum of those has
// been held against the limits.
func (w *writer) writeTables() {
	tables := w.module.Outline.Tables
	if len(tables) == 0 {
		return
	}
	all := w.tableTypes()
	rest, growing := uint32(maxEntries), uint32(0)
	for i, t := range all {
		rest -= min(rest, t.Min)
		if w.plan.growable[uint32(i)] {
			growing++
		}
	}
	content := binary.AppendUint(nil, uint64(len(tables)))
	for i, t := range tables {
		if w.plan.growable[uint32(len(all)-len(tables)+i)] {
			most := t.Min + rest/growing
			if !t.HasMax || t.Max > most {
				t.HasMax, t.Max = true, most
			}
		}
		content = append(content, byte(t.Elem))
		if !t.HasMax {
			content = binary.AppendUint(append(content, 0), uint64(t.Min))
			continue
		}
		content = binary.AppendUint(binary.AppendUint(append(content, 1), uint64(t.Min)), uint64(t.Max))
	}
	w.module.Set(binary.SectionTable, content)
}

// writeGlobals adds the meter.
func (w *writer) writeGlobals() {
	content := binary.AppendUint(nil, uint64(len(w.module.Globals)+1))
	for _, g := range w.module.Globals {
		content = append(content, byte(g.Type.Type), boolean(g.Type.Mutable))
		content = w.appendExpression(content, g.Init)
	}
	content = append(content, byte(binary.I64), boolean(true))
	init := code{}
	init.i64(0)
	init.op(binary.OpEnd)
	w.module.Set(binary.SectionGlobal, append(content, init...))
}

func boolean(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// appendExpression appends a constant expression of the module, with the new indices of functions.
func (w *writer) appendExpression(b, expression []byte) []byte {
	var in binary.Instruction
	for walk := w.module.WalkExpression(expression); walk.Next(&in); {
		if in.Op == binary.OpRefFunc {
			b = binary.AppendUint(binary.AppendOpcode(b, in.Op), uint64(w.shift(in.Index)))
			continue
		}
		b = append(b, in.Raw...)
	}
	return b
}

// writeElements writes the element segments with the new indices of functions.
func (w *writer) writeElements() {
	if len(w.module.Elements) == 0 {
		return
	}
	content := binary.AppendUint(nil, uint64(len(w.module.Elements)))
	for i := range w.module.Elements {
		e := &w.module.Elements[i]
		content = append(content, e.Head()...)
		content = binary.AppendUint(content, uint64(len(e.Functions)+len(e.Expressions)))
		for _, f := range e.Functions {
			content = binary.AppendUint(content, uint64(w.shift(f)))
		}
		for _, expression := range e.Expressions {
			content = w.appendExpression(content, expression)
		}
	}
	w.module.Set(binary.SectionElement, content)
}

// writeExports adds the exports of ours, and makes one of the start function.
func (w *writer) writeExports() {
	o := w.module.Outline
	exports := append([]binary.Export(nil), o.Exports...)
	exports = append(exports, binary.Export{Name: MeterExport, Kind: binary.KindGlobal, Index: w.meter()})
	if o.HasStart {
		w.out.Start = startExport
		exports = append(exports, binary.Export{Name: startExport, Kind: binary.KindFunc, Index: w.module.Start})
		w.module.Set(binary.SectionStart, nil)
	}
	if _, ok := o.Memory(); ok {
		w.out.Memory = "memory"
		if _, exported := o.Exported("memory", binary.KindMemory); !exported {
			w.out.Memory = memoryExport
			exports = append(exports, binary.Export{Name: memoryExport, Kind: binary.KindMemory})
		}
	}
	for i, t := range w.globalTypes() {
		if t.Mutable {
			g := Global{Name: globalExport + strconv.Itoa(i), Type: t.Type}
			w.out.Globals = append(w.out.Globals, g)
			exports = append(exports, binary.Export{Name: g.Name, Kind: binary.KindGlobal, Index: uint32(i)})
		}
	}
	for i := range exports {
		if exports[i].Kind == binary.KindFunc {
			exports[i].Index = w.shift(exports[i].Index)
		}
	}
	exports = append(exports, binary.Export{Name: WholeExport, Kind: binary.KindFunc, Index: w.helper(helperKey{name: wholeHelper})})
	content := binary.AppendUint(nil, uint64(len(exports)))
	for _, e := range exports {
		content = append(binary.AppendName(content, e.Name), byte(e.Kind))
		content = binary.AppendUint(content, uint64(e.Index))
	}
	w.module.Set(binary.SectionExport, content)
}

// globalTypes returns the types of all globals of the module, imported ones first.
func (w *writer) globalTypes() []binary.GlobalType {
	var all []binary.GlobalType
	for _, i := range w.module.Outline.Imports {
		if i.Kind == binary.KindGlobal {
			all = append(all, i.Global)
		}
	}
	for _, g := range w.module.Globals {
		all = append(all, g.Type)
	}
	return all
}
