package wasi

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Contract is how a request enters a module.
type Contract string

// The contracts there are.
const (
	// ContractCGI is a WASI command that answers one request as a CGI program
	// (RFC 3875).
	ContractCGI Contract = "cgi"
	// ContractHandler is a module that answers many requests, each by a call, as the
	// http-wasm handler ABI has it.
	ContractHandler Contract = "handler"
)

// Report is what a module says about itself, without having run.
type Report struct {
	Contract Contract `json:"contract"`
	// Why tells what in the module decided the contract.
	Why string `json:"why"`
	// Imports are the names of what the module wants from its host, as
	// "module.name", in its own order.
	Imports []string `json:"imports"`
	// Exports are the names that the module offers.
	Exports []string `json:"exports"`
	// MemoryMin and MemoryMax are the sizes of linear memory that the module
	// declares, in bytes; a maximum of 0 means none.
	MemoryMin uint64 `json:"memory_min"`
	MemoryMax uint64 `json:"memory_max"`
	// TableMin is the number of entries that the module's tables start with.
	TableMin  uint64 `json:"table_min"`
	Functions int    `json:"functions"`
	// Initialisers are the exports that are called once, in this order, before there
	// is any request; what the memory holds then is the snapshot from which requests
	// start.
	Initialisers []string `json:"initialisers,omitempty"`
	// Snapshot says why requests do not start from a memory snapshot, "" if they may.
	Snapshot string `json:"snapshot"`
	// entry is the function that serves a request of a command, and command tells
	// whether a handler is one too, by its _start.
	entry   string
	command bool
	// Faults are the reasons for which the module cannot be deployed, each with
	// its mend.
	Faults []string `json:"faults,omitempty"`
}

// RefusedError says why a module cannot run, each fault with its mend.
type RefusedError struct {
	Faults []string
	// Err is what the log should know beside the faults; nil if there is nothing.
	Err error
}

func (e *RefusedError) Error() string { return strings.Join(e.Faults, "; ") }

func (e *RefusedError) Unwrap() error { return e.Err }

// Inspect reads what a module declares, without compiling it. Bytes that are not
// a module are a [*RefusedError]; a module that is one, but cannot be deployed,
// is a report with faults.
func (e *Engine) Inspect(code []byte) (*Report, error) {
	outline, err := binary.Scan(code, binary.DefaultLimits())
	if err != nil {
		return nil, &RefusedError{Faults: []string{explain(err)}}
	}
	r := &Report{
		Functions: outline.Functions,
	}
	if m, ok := outline.Memory(); ok {
		r.MemoryMin = m.Min * memory.PageSize
		if m.HasMax {
			r.MemoryMax = m.Max * memory.PageSize
		}
	}
	for _, t := range outline.Tables {
		r.TableMin += uint64(t.Min)
	}
	for _, x := range outline.Exports {
		r.Exports = append(r.Exports, x.Name)
	}
	for _, i := range outline.Imports {
		r.Imports = append(r.Imports, i.Module+"."+i.Name)
	}
	r.enter(outline)
	r.Faults = append(r.Faults, e.link(outline)...)
	return r, nil
}

// Fits checks that instances of the module can start within a limit of linear
// memory, in bytes; else it returns a [*RefusedError].
func (r *Report) Fits(limit uint64) error {
	if r.MemoryMin <= limit {
		return nil
	}
	return &RefusedError{Faults: []string{fmt.Sprintf(
		"the module starts with %d MiB of memory and the limit is %d MiB: build it with a smaller initial memory, or raise --memory",
		r.MemoryMin>>20, limit>>20)}}
}

// explain adds the mend to what the scan found.
func explain(err error) string {
	e, ok := errors.AsType[*binary.Error](err)
	if !ok {
		return err.Error()
	}
	mend := map[binary.Code]string{
		binary.NotWasm:   "send a module compiled for WASI preview 1",
		binary.Truncated: "the file is cut short: build or upload it again",
		binary.Version:   "compile for WebAssembly core version 1",
		binary.Component: "components are planned; until then compile to a core module for WASI preview 1, " +
			"without wrapping it as a component",
		binary.Malformed: "the compiler's output is damaged, or uses a proposal that is not supported: build it again, " +
			"for WebAssembly 2.0",
		binary.TooLarge: "split what is large; honest compilers stay far below this",
	}[e.Code]
	return fmt.Sprintf("%v (%s)", err, mend)
}

// The exports by which modules are entered.
const (
	startExport      = "_start"      // of a command
	initialiseExport = "_initialize" // of a reactor
	// Those by which modules initialise themselves ahead, and go on afterwards, are
	// those of the tool Wizer.
	resumeExport = "wizer.resume"
)

func wizerExports() []string { return []string{"wizer.initialize", "wizer-initialize"} }

// enter decides the contract.
func (r *Report) enter(o *binary.Outline) {
	_, hasStart := o.ExportedFunc(startExport)
	_, hasHandler := o.ExportedFunc(handler.HandleRequest)
	wantsHandler := slices.ContainsFunc(o.Imports, func(i binary.Import) bool { return i.Module == handler.ModuleName })
	switch {
	case hasHandler || wantsHandler:
		r.enterHandler(o)
	case !hasStart:
		r.Faults = append(r.Faults, "the module has no entry point: it exports no function _start; "+
			"build it as a command (Go: without -buildmode=c-shared; clang: without -mexec-model=reactor), "+
			"or as a handler, which exports handle_request")
		return
	default:
		r.enterCommand(o)
	}
	if _, ok := o.Exported("memory", binary.KindMemory); !ok {
		r.Faults = append(r.Faults, "the module exports no memory named \"memory\", through which its host talks to it")
	}
}

// enterCommand looks at the entries of a command.
func (r *Report) enterCommand(o *binary.Outline) {
	r.Contract = ContractCGI
	r.Why = "it exports _start, so it is a WASI command: each request runs it as a CGI program"
	r.Snapshot = "it has no initialiser (wizer.initialize), so it runs from its start for every request; " +
		"what it begins with is the image of its data"
	r.entry, r.command = startExport, true
	for _, name := range wizerExports() {
		if _, ok := o.ExportedFunc(name); ok && len(r.Initialisers) == 0 {
			r.initialise(o, name)
			r.Why += ", after what " + name + " has made ready once"
			if _, ok := o.ExportedFunc(resumeExport); ok {
				r.entry = resumeExport
			}
		}
	}
	r.want(o, startExport, "", "")
	if r.entry != startExport {
		r.want(o, r.entry, "", "")
	}
}

// enterHandler looks at the entries of a handler.
func (r *Report) enterHandler(o *binary.Outline) {
	r.Contract = ContractHandler
	r.Why = "it exports handle_request, or imports " + handler.ModuleName + ", so it is a handler: each request is a call"
	r.Snapshot = "it has no initialiser (_initialize, _start, wizer.initialize); what requests begin with is the image of its data"
	r.want(o, handler.HandleRequest, "", "I")
	r.want(o, handler.HandleResponse, "ii", "")
	for _, name := range append([]string{initialiseExport, startExport}, wizerExports()...) {
		_, ok := o.ExportedFunc(name)
		r.command = r.command || ok && name == startExport
		if ok && (name != startExport || len(r.Initialisers) == 0) {
			r.initialise(o, name)
		}
	}
}

// initialise adds an initialiser.
func (r *Report) initialise(o *binary.Outline, name string) {
	r.Initialisers, r.Snapshot = append(r.Initialisers, name), ""
	r.want(o, name, "", "")
}

// want checks the type of an export; i is an i32, I an i64.
func (r *Report) want(o *binary.Outline, name, params, results string) {
	f, ok := o.ExportedFunc(name)
	if !ok {
		r.Faults = append(r.Faults, fmt.Sprintf("the module exports no function %s, which its contract wants", name))
		return
	}
	types := map[binary.ValType]string{binary.I32: "i", binary.I64: "I"}
	letters := func(all []binary.ValType) string {
		var b strings.Builder
		for _, t := range all {
			b.WriteString(cmp.Or(types[t], "?"))
		}
		return b.String()
	}
	if letters(f.Params) != params || letters(f.Results) != results {
		words := map[string]string{"": "nothing", "I": "an i64", "ii": "two i32"}
		r.Faults = append(r.Faults, fmt.Sprintf("%s has the wrong type: it must take %s and return %s", name, words[params], words[results]))
	}
}

// initialiserName names the initialisers for a person.
func (r *Report) initialiserName() string { return strings.Join(r.Initialisers, ", ") }

// link names imports that nothing provides, the first of them if there are many.
func (e *Engine) link(o *binary.Outline) []string {
	const most = 20
	var faults []string
	more := 0
	for _, i := range o.Imports {
		fault := e.linkOne(o, i)
		switch {
		case fault == "":
		case len(faults) == most:
			more++
		default:
			faults = append(faults, fault)
		}
	}
	if more > 0 {
		faults = append(faults, fmt.Sprintf("%d more imports are wrong", more))
	}
	return faults
}

// linkOne says what is wrong with an import, "" if nothing is.
func (e *Engine) linkOne(o *binary.Outline, i binary.Import) string {
	name := shorten(i.Module) + "." + shorten(i.Name)
	def, known := e.imports[i.Module][i.Name]
	switch {
	case i.Kind != binary.KindFunc:
		return fmt.Sprintf("imports the %v %s, but a host provides functions only", i.Kind, name)
	case i.Module == "wasi_unstable":
		return name + " is of WASI preview 0: build with a toolchain that targets preview 1"
	case !known:
		return fmt.Sprintf("unknown import %s: only the functions of %s and %s are provided", name, preview1.ModuleName, handler.ModuleName)
	case !sameType(o.Types[i.Func], def):
		return name + " is imported with another type than its host gives it"
	}
	return ""
}

// shorten keeps as much of a module's word as a person wants to read.
func shorten(word string) string {
	const most = 200
	if len(word) <= most {
		return word
	}
	return strings.ToValidUTF8(word[:most], "") + "…"
}

func sameType(t binary.FuncType, def api.FunctionDefinition) bool {
	same := func(a binary.ValType, b api.ValueType) bool { return byte(a) == b }
	return slices.EqualFunc(t.Params, def.ParamTypes(), same) && slices.EqualFunc(t.Results, def.ResultTypes(), same)
}
