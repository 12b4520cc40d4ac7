package instrument

import "github.com/spacewasm/spacewasm/wasi/internal/binary"

// inAdvance tells whether the function pays the meter for a full counter at its entry, and gets back at its end what it
// did not use. Only then can functions that call each other not hide work in the counters of many callers at once.
func (b *body) inAdvance() bool { return b.function.looping && b.function.callsOut }

// enter writes what is done at the function's entry.
func (b *body) enter() {
	f, c := b.function, &b.code
	switch {
	case f.free():
	case f.looping && !f.callsOut:
		c.i32(b.bound - int32(f.entry))
		c.op(binary.OpLocalSet, b.counter)
	default:
		price := int64(f.entry)
		if b.inAdvance() {
			price += int64(b.bound)
			c.i32(b.bound)
			c.op(binary.OpLocalSet, b.counter)
		}
		b.update(func() {
			c.i64(price<<fuelShift - int64(b.stack()))
			c.op(binary.OpI64Sub)
		}, b.admitted)
	}
}

// admitted leaves on the stack whether fuel and stack in a meter are as they should be.
func (b *body) admitted() {
	if b.function.stack == 0 {
		b.code.solvent()
		return
	}
	b.code.i64(-MaxFuel<<fuelShift | stackFull)
	b.code.ops(binary.OpI64And, binary.OpI64Eqz)
}

// stack is the function's share of the stack, in the meter's units.
func (b *body) stack() uint64 { return (b.function.stack + stackUnit - 1) / stackUnit }

// leave writes what is done where the function ends.
func (b *body) leave() {
	if !b.ends {
		return
	}
	c := &b.code
	if b.function.looping && !b.inAdvance() {
		b.update(func() {
			c.i32(b.bound)
			c.gets(b.counter)
			c.op(binary.OpI32Sub)
			b.toFuel()
			c.op(binary.OpI64Sub)
		}, c.solvent)
		return
	}
	c.op(binary.OpGlobalGet, b.w.meter())
	if b.inAdvance() {
		c.gets(b.counter)
		b.toFuel()
		c.op(binary.OpI64Add)
	}
	b.release()
	c.op(binary.OpGlobalSet, b.w.meter())
}

// release gives the function's share of the stack back.
func (b *body) release() {
	if b.function.stack > 0 {
		b.code.i64(int64(b.stack()))
		b.code.op(binary.OpI64Sub)
	}
}

// toFuel turns an i32 into fuel as the meter has it.
func (b *body) toFuel() {
	b.code.op(binary.OpI64ExtendI32S)
	b.code.i64(fuelShift)
	b.code.op(binary.OpI64Shl)
}

// update changes the meter, and calls the host unless ok finds that the new value, which is on the stack, is as it should be.
func (b *body) update(change, ok func()) {
	c, meter := &b.code, b.w.meter()
	c.op(binary.OpGlobalGet, meter)
	change()
	c.op(binary.OpLocalTee, b.value)
	c.op(binary.OpGlobalSet, meter)
	c.gets(b.value)
	ok()
	c.unless(func() { c.op(binary.OpCall, b.w.helper(helperKey{name: "stop"})) })
}
