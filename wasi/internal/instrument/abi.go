package instrument

import (
	"strings"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// The host module that an instrumented module imports, and its functions.
const (
	// HostModule is the name of the host module. A module that imports from it is refused.
	HostModule = "spacewasm"
	// Yield, of type () -> (), is called when the meter is below zero, or has [MaxFuel] or more. It either ends the call, by
	// a panic, or sets the meter to what [Meter.Refuel] returns; where it does neither it is called again soon. A million
	// is some tenths of a millisecond.
	Yield = "yield"
	// Exhausted, of type () -> (), is called when the stack is used up, or as much of it as a meter of [Marked] allows. It
	// either ends the call, by a panic, or sets the meter to its [Meter.Unmark]; where it does neither it is called again soon.
	Exhausted = "stack_exhausted"
	// Wait32 stands for memory.atomic.wait32: (address, expected i32, timeout i64, offset i32) -> i32, where the offset is
	// to be added to the address, both unsigned. The place is within the memory and aligned, and held what is expected;
	// where there are threads, the host has to look again.
	Wait32 = "wait32"
	// Wait64 stands for memory.atomic.wait64: (address i32, expected i64, timeout i64, offset i32) -> i32.
	Wait64 = "wait64"
)

// The names of exports. A module that exports a name with the prefix is refused.
const (
	reserved = "spacewasm:"
	// MeterExport is the meter: a mutable global of type i64, see [Meter]. It is 0 at first, so that the first charge
	// calls Yield.
	MeterExport  = reserved + "meter"
	startExport  = reserved + "start"
	memoryExport = reserved + "memory"
	globalExport = reserved + "global:" // and the index
	// WholeExport is a function, of type () -> i32, that returns 1. That of a [Prepared.Stub] traps, unless its code is
	// that of the whole module.
	WholeExport = reserved + "whole"
)

// stubSection is the custom section of a stub with the digest of the module that it stands for. A module that has one
// is refused.
const stubSection = reserved + "stub"

// checkNames refuses a module that uses names of ours.
func checkNames(o *binary.Outline) error {
	for _, i := range o.Imports {
		if i.Module == HostModule {
			return refuse("the module imports %q.%q: that name is reserved for the platform", i.Module, i.Name)
		}
	}
	for _, e := range o.Exports {
		if strings.HasPrefix(e.Name, reserved) {
			return refuse("the module exports %q: names that begin with %q are reserved for the platform", e.Name, reserved)
		}
	}
	for _, c := range o.Customs {
		if strings.HasPrefix(c.Name, reserved) {
			return refuse("the module has a custom section %q: names that begin with %q are reserved for the platform", c.Name, reserved)
		}
	}
	return nil
}
