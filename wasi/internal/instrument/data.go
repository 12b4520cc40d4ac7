package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// liftData takes the active data segments out of the module. As instantiation leaves them dropped, an empty passive one
// stands in the place of each where instructions name segments by their indices.
func (w *writer) liftData() error {
	const pageBytes, passive = 65536, 1
	memory, _ := w.module.Outline.Memory()
	globals := w.constantGlobals()
	content := binary.AppendUint(nil, uint64(len(w.module.Data)))
	for i, d := range w.module.Data {
		content = append(content, passive)
		if d.Offset == nil {
			content = binary.AppendBytes(content, d.Bytes)
			continue
		}
		content = append(content, 0)
		offset := w.evaluate(d.Offset, globals)
		if !offset.known {
			return refuse("data segment %d is placed by a global that the module imports", i)
		}
		if uint64(offset.value)+uint64(len(d.Bytes)) > memory.Min*pageBytes {
			return refuse("data segment %d ends beyond the %d pages of memory that there are at the start", i, memory.Min)
		}
		if len(d.Bytes) > 0 {
			w.out.Data = append(w.out.Data, Segment{Offset: offset.value, Bytes: d.Bytes})
		}
	}
	if !w.plan.segments {
		w.module.Set(binary.SectionData, nil)
		w.module.Set(binary.SectionDataCount, nil)
		return nil
	}
	if len(w.module.Data) > 0 {
		w.module.Set(binary.SectionData, content)
	}
	return nil
}

// constant is the value of a constant expression of type i32; not known where it depends on what the host gives, or is of
// another type.
type constant struct {
	value uint32
	known bool
}

// constantGlobals returns the values of all globals.
func (w *writer) constantGlobals() []constant {
	own := w.module.Globals
	globals := make([]constant, len(w.globalTypes())-len(own), len(w.globalTypes()))
	for _, g := range own {
		c := w.evaluate(g.Init, globals)
		c.known = c.known && !g.Type.Mutable
		globals = append(globals, c)
	}
	return globals
}

// evaluate evaluates an expression, in which those globals can be named that come before it.
func (w *writer) evaluate(expression []byte, globals []constant) constant {
	var stack []constant
	var in binary.Instruction
	for walk := w.module.WalkExpression(expression); walk.Next(&in); {
		last := len(stack) - 1
		switch in.Op {
		case binary.OpI32Const:
			stack = append(stack, constant{uint32(in.Value), true})
		case binary.OpGlobalGet:
			if uint64(in.Index) >= uint64(len(globals)) {
				return constant{}
			}
			stack = append(stack, globals[in.Index])
		case binary.OpI32Add, binary.OpI32Sub, binary.OpI32Mul:
			if last < 1 {
				return constant{}
			}
			stack[last-1] = combine(in.Op, stack[last-1], stack[last])
			stack = stack[:last]
		case binary.OpEnd:
		default:
			return constant{}
		}
	}
	if len(stack) != 1 {
		return constant{}
	}
	return stack[0]
}

func combine(op binary.Opcode, a, b constant) constant {
	known := a.known && b.known
	switch op {
	case binary.OpI32Add:
		return constant{a.value + b.value, known}
	case binary.OpI32Sub:
		return constant{a.value - b.value, known}
	default:
		return constant{a.value * b.value, known}
	}
}
