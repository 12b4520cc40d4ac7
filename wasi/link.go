package wasi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// definitions are the functions that a module may import, by module and name.
type definitions = map[string]map[string]api.FunctionDefinition

// link adds the imports that nothing provides, the first of them if there are many.
// Those that tell together that the module was built for another host are one
// fault; of the others the first of a kind has the mend.
func (r *Report) link(o *binary.Outline, provided definitions) {
	const most = 20
	var faults []string
	said := map[problem]int{}
	among := map[string]int{} // the number of imports, by module
	for _, i := range o.Imports {
		among[i.Module]++
	}
	told := map[string]bool{} // the modules that are of another host
	more := 0
	for _, i := range o.Imports {
		p, fault := linkOne(o, i, provided)
		if fault == "" || told[i.Module] && p.ofAnotherHost() {
			continue
		}
		if p.ofAnotherHost() {
			told[i.Module] = true
			if n := among[i.Module]; n > 1 {
				fault += fmt.Sprintf(", and %d more of its module", n-1)
			}
		}
		if len(faults) == most {
			more++
			continue
		}
		if said[p]++; p != noProblem && said[p] == 1 {
			fault += ": " + p.mend(r.maker())
		}
		faults = append(faults, fault)
	}
	if more > 0 {
		faults = append(faults, fmt.Sprintf("%d more imports are wrong", more))
	}
	r.Faults = append(r.Faults, faults...)
}

// ofAnotherHost tells whether the problem is one of the whole module, and not of an
// import.
func (p problem) ofAnotherHost() bool { return p == forJavaScript || p == preview0 || p == component }

// linkOne says what is wrong with an import, "" if nothing is.
func linkOne(o *binary.Outline, i binary.Import, provided definitions) (problem, string) {
	name := shorten(i.Module) + "." + shorten(i.Name)
	def, known := provided[i.Module][i.Name]
	switch {
	case i.Kind == binary.KindMemory:
		p := importedMemory
		if i.Memory.Shared {
			p = threads
		}
		return p, "imports the memory " + name + ", but a host provides functions only"
	case i.Kind != binary.KindFunc:
		return importedOther, fmt.Sprintf("imports the %v %s, but a host provides functions only", i.Kind, name)
	case !known:
		return unknown(i, name)
	case !sameType(o.Types[i.Func], def):
		return noProblem, name + " is imported with another type than its host gives it"
	}
	return noProblem, ""
}

// unknown says where an import that is not known comes from, as far as that shows.
func unknown(i binary.Import, name string) (problem, string) {
	switch {
	case i.Module == "wasi_unstable":
		return preview0, name + " is of WASI preview 0"
	case isComponentImport(i.Module):
		return component, name + " is of an interface of components (WASI preview 2)"
	case i.Module == "gojs" || i.Module == "go" || ofBindgen(i) || ofEmscripten(i):
		return forJavaScript, name + " is a function of JavaScript"
	case i.Module == "wasi" && i.Name == "thread-spawn":
		return threads, name + " starts a thread, and a request has one only"
	}
	return unknownImport, fmt.Sprintf("unknown import %s, as only the functions of %s, %s and %s are provided",
		name, preview1.ModuleName, handler.ModuleName, sqlite.ModuleName)
}

// isComponentImport tells whether the module's name is that of an interface, such
// as wasi:cli/stdout@0.2.0, or one of those for core modules within components.
func isComponentImport(module string) bool {
	space, rest, ok := strings.Cut(module, ":")
	return ok && space != "" && strings.Contains(rest, "/") || strings.HasPrefix(module, "cm32p2") || module == "$root"
}

func sameType(t binary.FuncType, def api.FunctionDefinition) bool {
	same := func(a binary.ValType, b api.ValueType) bool { return byte(a) == b }
	return slices.EqualFunc(t.Params, def.ParamTypes(), same) && slices.EqualFunc(t.Results, def.ResultTypes(), same)
}

// withoutEntry says of a module that nothing enters what each contract wants, and
// what it has that comes near.
func (r *Report) withoutEntry(o *binary.Outline) string {
	text := "the module has no entry point: a command exports the function _start, and a handler handle_request and handle_response, " +
		"but it exports " + entriesNear(o)
	return text + "; " + noEntry.mend(r.maker())
}

// entriesNear lists the exported functions that may have been meant as an entry.
func entriesNear(o *binary.Outline) string {
	const most = 5
	var near, all []string
	for _, x := range o.Exports {
		if x.Kind != binary.KindFunc {
			continue
		}
		all = append(all, shorten(x.Name))
		plain := strings.ToLower(strings.NewReplacer("_", "", "-", "", ".", "").Replace(x.Name))
		if slices.Contains([]string{"start", "main", "run", "handle", "handler", "handlerequest", "initialize"}, plain) {
			near = append(near, shorten(x.Name))
		}
	}
	switch {
	case len(all) == 0:
		return "no function"
	case len(near) == 0:
		near = all
	}
	text := strings.Join(near[:min(len(near), most)], ", ")
	if rest := len(all) - min(len(near), most); rest > 0 {
		text += fmt.Sprintf(" and %d others", rest)
	}
	if slices.Contains(near, initialiseExport) {
		text += ", as a reactor does"
	}
	return text
}
