package instrument

import (
	"strings"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// helper is a function that is added to a module.
type helper struct {
	name string
	typ  uint32
	body []byte // locals and code
	key  helperKey
}

// helperKey says what a helper does: the instruction that it stands for, or, where op is 0, one of ours by name.
type helperKey struct {
	name          string
	op            binary.Opcode
	index, second uint32
}

// maxHelpers is how many there may be: bulk instructions need one for each table or segment that they name, or each two.
const maxHelpers = 10_000

// helper returns the index of the helper for key, which is added if it is not there yet.
func (w *writer) helper(key helperKey) uint32 {
	if i, ok := w.byKey[key]; ok {
		return i
	}
	if w.byKey == nil {
		w.byKey = map[helperKey]uint32{}
	}
	i := w.shift(w.imported) + uint32(len(w.module.Bodies)+len(w.helpers))
	if len(w.helpers) > maxHelpers {
		return i // the module is going to be refused
	}
	w.byKey[key] = i
	w.helpers = append(w.helpers, helper{key: key})
	return i
}

// finishHelpers writes the helpers, which may ask for others.
func (w *writer) finishHelpers() {
	for i := 0; i < len(w.helpers); i++ { //nolint:intrange // there become more of them
		f := w.define(w.helpers[i].key)
		body := []byte{0}
		if len(f.locals) > 0 {
			body = []byte{byte(len(f.locals))}
		}
		for _, l := range f.locals {
			body = append(body, 1, byte(l))
		}
		f.code.op(binary.OpEnd)
		h := &w.helpers[i]
		h.name, h.typ, h.body = reserved+f.name, w.typeOf(f.params, f.results), append(body, f.code...)
	}
}

// definition is a function as it is written.
type definition struct {
	name            string
	params, results []binary.ValType
	locals          []binary.ValType
	code            code
}

// define writes the helper for key.
func (w *writer) define(key helperKey) *definition {
	switch key.op {
	case binary.OpI32RemS, binary.OpI32RemU, binary.OpI64RemS, binary.OpI64RemU:
		return remainder(key.op)
	case binary.OpTableGrow:
		return w.grow(key)
	case binary.OpAtomicWait32, binary.OpAtomicWait64:
		return w.wait(key)
	case 0:
		return map[string]func() *definition{"charge": w.charge, "stop": w.stop, wholeHelper: whole}[key.name]()
	default:
		return w.pieces(key)
	}
}

// wholeHelper is the name of the function that is exported as [WholeExport].
const wholeHelper = "whole"

// whole tells that there is code.
func whole() *definition {
	d := &definition{name: wholeHelper, results: []binary.ValType{binary.I32}}
	d.code.i32(1)
	return d
}

// stop looks why the host is needed, and calls it.
func (w *writer) stop() *definition {
	d := &definition{name: "stop"}
	c := &d.code
	c.op(binary.OpGlobalGet, w.meter())
	c.i64(stackFull)
	c.ops(binary.OpI64And, binary.OpI64Eqz)
	c.block(binary.OpIf, binary.BlockEmpty)
	c.op(binary.OpCall, w.hostFunction(Yield))
	c.op(binary.OpElse)
	c.op(binary.OpCall, w.hostFunction(Exhausted))
	c.op(binary.OpEnd)
	return d
}

// charge takes fuel, an i32, off the meter.
func (w *writer) charge() *definition {
	d := &definition{name: "charge", params: []binary.ValType{binary.I32}, locals: []binary.ValType{binary.I64}}
	c, meter := &d.code, w.meter()
	c.op(binary.OpGlobalGet, meter)
	c.gets(0)
	c.op(binary.OpI64ExtendI32S)
	c.i64(fuelShift)
	c.ops(binary.OpI64Shl, binary.OpI64Sub)
	c.op(binary.OpLocalTee, 1)
	c.op(binary.OpGlobalSet, meter)
	c.gets(1)
	c.solvent()
	c.unless(func() { c.op(binary.OpCall, w.helper(helperKey{name: "stop"})) })
	return d
}

// remainder is a - (a / b) * b, where b is 1 in place of -1 so that the least of all numbers can be divided.
func remainder(op binary.Opcode) *definition {
	d := &definition{}
	c := &d.code
	t, divide, multiply, subtract := binary.I32, binary.OpI32DivU, binary.OpI32Mul, binary.OpI32Sub
	if op == binary.OpI64RemS || op == binary.OpI64RemU {
		t, divide, multiply, subtract = binary.I64, binary.OpI64DivU, binary.OpI64Mul, binary.OpI64Sub
	}
	sign := "u"
	switch op {
	case binary.OpI32RemS:
		sign, divide = "s", binary.OpI32DivS
		c.i32(1)
		c.gets(1, 1)
		c.i32(-1)
		c.ops(binary.OpI32Eq, binary.OpSelect)
		c.op(binary.OpLocalSet, 1)
	case binary.OpI64RemS:
		sign, divide = "s", binary.OpI64DivS
		c.i64(1)
		c.gets(1, 1)
		c.i64(-1)
		c.ops(binary.OpI64Eq, binary.OpSelect)
		c.op(binary.OpLocalSet, 1)
	default:
	}
	c.gets(0, 0, 1)
	c.op(divide)
	c.gets(1)
	c.ops(multiply, subtract)
	d.name = strings.Join([]string{t.String(), "rem", sign}, "_")
	d.params, d.results = []binary.ValType{t, t}, []binary.ValType{t}
	return d
}

// wait is memory.atomic.wait32 or wait64, whose offset is the key's second index. A load traps where the instruction would,
// and where it does not find what is expected nobody has to wait.
func (w *writer) wait(key helperKey) *definition {
	const align32, align64 = 2, 3
	d := &definition{results: []binary.ValType{binary.I32}}
	c := &d.code
	c.gets(0)
	name := Wait32
	if key.op == binary.OpAtomicWait32 {
		d.name, d.params = "memory.atomic.wait32", []binary.ValType{binary.I32, binary.I32, binary.I64}
		c.op(binary.OpI32AtomicLoad, align32, key.second)
		c.gets(1)
		c.op(binary.OpI32Ne)
	} else {
		name = Wait64
		d.name, d.params = "memory.atomic.wait64", []binary.ValType{binary.I32, binary.I64, binary.I64}
		c.op(binary.OpI64AtomicLoad, align64, key.second)
		c.gets(1)
		c.op(binary.OpI64Ne)
	}
	c.block(binary.OpIf, binary.BlockEmpty)
	c.i32(1) // not equal
	c.op(binary.OpReturn)
	c.op(binary.OpEnd)
	c.gets(0, 1, 2)
	c.i32(int32(key.second))
	c.op(binary.OpCall, w.hostFunction(name))
	return d
}
