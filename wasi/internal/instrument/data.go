package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// liftData takes the active data segments out of the module. As instantiation leaves them dropped, an empty passive one
// stands in the place of each where instructions name segments by their indices.
func (w *writer) liftData() error {
	const pageBytes, passive = 65536, 1
	memory, _ := w.module.Outline.Memory()
	content := binary.AppendUint(nil, uint64(len(w.module.Data)))
	for i, d := range w.module.Data {
		content = append(content, passive)
		if d.Offset == nil {
			content = binary.AppendBytes(content, d.Bytes)
			continue
		}
		content = append(content, 0)
		offset, ok := w.evaluate(d.Offset)
		if !ok {
			return refuse("data segment %d is placed by a global that the module imports", i)
		}
		if uint64(offset)+uint64(len(d.Bytes)) > memory.Min*pageBytes {
			return refuse("data segment %d ends beyond the %d pages of memory that there are at the start", i, memory.Min)
		}
		if len(d.Bytes) > 0 {
			w.out.Data = append(w.out.Data, Segment{Offset: offset, Bytes: d.Bytes})
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

// evaluate evaluates a constant expression of type i32; false where it is of another type, or depends on a global, which
// the host would have to give.
func (w *writer) evaluate(expression []byte) (uint32, bool) {
	var stack []uint32
	var in binary.Instruction
	for walk := w.module.WalkExpression(expression); walk.Next(&in); {
		last := len(stack) - 1
		switch in.Op {
		case binary.OpI32Const:
			stack = append(stack, uint32(in.Value))
		case binary.OpI32Add, binary.OpI32Sub, binary.OpI32Mul:
			if last < 1 {
				return 0, false
			}
			stack[last-1] = combine(in.Op, stack[last-1], stack[last])
			stack = stack[:last]
		case binary.OpEnd:
		default:
			return 0, false
		}
	}
	if len(stack) != 1 {
		return 0, false
	}
	return stack[0], true
}

func combine(op binary.Opcode, a, b uint32) uint32 {
	switch op {
	case binary.OpI32Add:
		return a + b
	case binary.OpI32Sub:
		return a - b
	default:
		return a * b
	}
}
