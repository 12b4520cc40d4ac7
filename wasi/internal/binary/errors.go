package binary

import "fmt"

// Code says what kind of fault a module has; it is what callers act upon.
type Code string

const (
	// NotWasm is a file that does not begin with the magic bytes "\0asm"; the message says what it looks like instead.
	NotWasm Code = "not_wasm"
	// Truncated is a module whose file ends before the module does, as after an upload that was cut short.
	Truncated Code = "truncated"
	// Version is a core module of another version than 1, the only one there is.
	Version Code = "version"
	// Component is a component of the component model, which wraps core modules and is not one.
	Component Code = "component"
	// Malformed is a module that breaks the grammar of the format, or uses a proposal that is not supported.
	Malformed Code = "malformed"
	// TooLarge is a module that goes beyond one of [Limits].
	TooLarge Code = "too_large"
)

// Error is a fault found in a module, the first in the order of its bytes. It is the only type of error that this
// package returns.
type Error struct {
	// Offset is where the fault is, in bytes from the start of the file.
	Offset int
	// Section is the name of the section that has the fault, such as "code"; empty when it lies outside of them.
	Section string
	// Message states the fault without its place, in lower case; it quotes nothing from the module.
	Message string
	// Code is the kind of fault.
	Code Code
	// Lacks is the proposal that the module needs and that is not supported; 0 if the fault is another.
	Lacks Features
	// Used are the proposals that the module uses up to the fault.
	Used Features
}

// Error joins the place of the fault with its message.
func (e *Error) Error() string {
	switch {
	case e.Section != "":
		return fmt.Sprintf("%s section at offset %#x: %s", e.Section, e.Offset, e.Message)
	case e.Offset > 0:
		return fmt.Sprintf("offset %#x: %s", e.Offset, e.Message)
	}
	return e.Message
}
