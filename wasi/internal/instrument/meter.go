package instrument

// Meter is the value of the meter: in the upper 42 bits the fuel that is left, a signed number, and in the lower 22 the
// stack that is in use, in units of 16 bytes as estimated. The two share a global because every function that
// calls others has to touch both.
//
// Of the fuel, a part may be paid in advance: by functions that run at the time, which give back what they did not
// use. Between calls from the host nothing is, and the fuel that a call has used is exact.
type Meter uint64

const (
	fuelShift = 22
	stackUnit = 16
	// stackFull is the bit of the stack's part that is set from a depth of 16 MiB on. One function's own share stays
	// below it, so that the bit is seen before the sum can reach the fuel.
	stackFull = 1 << 20
	stackMask = 1<<fuelShift - 1
)

// MaxFuel is how much fuel there may be in a meter. More comes together when many calls that paid in advance return,
// and would keep the host from being asked for long: it is asked at the next charge.
const MaxFuel = 1 << 26

// NewMeter returns a meter with fuel, and nothing on the stack. It is what to set before a call.
func NewMeter(fuel int64) Meter { return Meter(0).Refuel(fuel) }

// Fuel returns the fuel that is left; below zero if more than there was has been used.
func (m Meter) Fuel() int64 { return int64(m) >> fuelShift }

// Refuel returns the meter with fuel in place of what is left. The difference of the two, which may be negative, is what
// the host has given; what a call has used is the sum of that and what it began with, less what is left in the end.
func (m Meter) Refuel(fuel int64) Meter { return m&stackMask | Meter(fuel)<<fuelShift }

// Shallow is the depth that a marked meter tells of, in bytes: few programs reach it.
const Shallow = 32 << 10

// marked is what a marked meter has of the stack's part before anything is on the stack.
const marked = stackFull - Shallow/stackUnit

// Marked returns a meter with nothing on the stack that has [Exhausted] called once that is deeper than [Shallow], too.
func (m Meter) Marked() Meter { return m&^stackMask | marked }

// Unmark returns a marked meter with what is on the stack: from then on Exhausted is called at its end only.
func (m Meter) Unmark() Meter { return m - marked }

// Stack returns the estimate of the native stack in use, in bytes.
func (m Meter) Stack() int64 { return int64(m&stackMask) * stackUnit }
