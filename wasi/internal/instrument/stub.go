package instrument

import (
	"slices"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// Stub returns a module that declares what Code does, with functions that all trap, and no names of functions. It is
// some hundred times smaller, and a host that has machine code of Code can take it for Code. As an engine tells modules
// apart by their bytes, and those of two stubs would be the same where the modules differ in their code alone, it holds
// the digest of the module that Code was made from.
//
// A module that was instrumented is never a stub: its [WholeExport] does not trap.
func (p *Prepared) Stub(digest [32]byte) []byte {
	content := append(binary.AppendName(nil, stubSection), digest[:]...)
	stub := append(slices.Clone(p.stub), byte(binary.SectionCustom))
	return binary.AppendBytes(stub, content)
}

// stub writes the module once more, without what its functions do.
func (w *writer) stub() []byte {
	body := []byte{3, 0, byte(binary.OpUnreachable), byte(binary.OpEnd)} // its size, no locals, its code
	count := len(w.module.Bodies) + len(w.helpers)
	code := append(binary.AppendUint(nil, uint64(count)), slices.Repeat(body, count)...)
	stub := *w.module
	stub.Sections = slices.DeleteFunc(slices.Clone(w.module.Sections), func(s binary.Section) bool { return s.ID == binary.SectionCustom })
	stub.Set(binary.SectionCode, code)
	if name := stub.Outline.ModuleName; name != "" { // which stands before each function in a stack trace
		stub.Sections = append(stub.Sections, binary.Section{ID: binary.SectionCustom, Content: moduleName(name)})
	}
	return stub.Encode()
}
