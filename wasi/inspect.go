package wasi

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/internal/memory"
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
	// Language and Compiler, with its version, are what the module seems to have been
	// made of and by, "" where nothing tells. It may lie.
	Language string   `json:"language,omitempty"`
	Compiler string   `json:"compiler,omitempty"`
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
	// Proposals are those beyond the first version of WebAssembly that the module
	// uses; of a module that cannot be read, up to where that is. Lacks are those that
	// it needs and that are not supported; the first that is met stands for all.
	Proposals []string `json:"proposals,omitempty"`
	Lacks     []string `json:"lacks,omitempty"`
	// Sizes are those of the module's parts.
	Sizes Sizes `json:"sizes"`
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
	// Advice is what would pay, though nothing wants it.
	Advice []string `json:"advice,omitempty"`
}

// Sizes are those of the parts of a module, in bytes.
type Sizes struct {
	File int `json:"file"`
	Code int `json:"code"`
	Data int `json:"data"`
	// Names are those of functions, which stack traces show.
	Names int `json:"names"`
	// Debug is the debugging information (DWARF), which nothing here reads.
	Debug int `json:"debug"`
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
// a module are a [*RefusedError], with a report of what can be told of them all the
// same, which is nil if they are not WebAssembly; a module that is one, but cannot
// be deployed, is a report with faults.
func (e *Engine) Inspect(code []byte) (*Report, error) {
	p := binary.ReadProvenance(code)
	r := &Report{Sizes: Sizes{File: len(code), Code: p.CodeBytes, Data: p.DataBytes, Names: p.NameBytes, Debug: p.DebugBytes}}
	outline, err := binary.Scan(code, binary.DefaultLimits())
	r.findMaker(code, p, outline)
	if err != nil {
		return r.unreadable(err)
	}
	r.Functions, r.Proposals = outline.Functions, outline.Features.Names()
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
	r.link(outline, e.imports)
	r.advise()
	return r, nil
}

// unreadable is the report of a file that is refused before anything is known of it
// but its making.
func (r *Report) unreadable(err error) (*Report, error) {
	refused := &RefusedError{Faults: []string{explain(err, r.maker())}}
	fault, ok := errors.AsType[*binary.Error](err)
	if !ok || fault.Code == binary.NotWasm {
		return nil, refused
	}
	r.Proposals, r.Lacks = (fault.Used | fault.Lacks).Names(), fault.Lacks.Names()
	return r, refused
}

// Fits checks that instances of the module can start within a limit of linear
// memory, in bytes; else it returns a [*RefusedError].
func (r *Report) Fits(limit uint64) error {
	if r.MemoryMin <= limit {
		return nil
	}
	return &RefusedError{Faults: []string{fmt.Sprintf(
		"the module starts with %d MiB of memory and the limit is %d MiB: %s; or raise --memory",
		r.MemoryMin>>20, limit>>20, largeMemory.mend(r.maker()))}}
}

// explain adds the mend to what the scan found.
func explain(err error, m maker) string {
	e, ok := errors.AsType[*binary.Error](err)
	if !ok {
		return err.Error()
	}
	mend := map[binary.Code]string{
		binary.NotWasm:   "send a module compiled for WASI preview 1",
		binary.Truncated: "the file is cut short: build or upload it again",
		binary.Version:   "compile for WebAssembly core version 1",
		binary.Component: component.mend(m),
		binary.Malformed: "the compiler's output is damaged, or uses a proposal that is not supported: build it again, " +
			"for WebAssembly 2.0",
		binary.TooLarge: "split what is large; honest compilers stay far below this",
	}[e.Code]
	switch e.Lacks {
	case 0:
	case binary.ExceptionHandling:
		mend = exceptions.mend(m)
	case binary.Memory64:
		mend = memory64.mend(m)
	default:
		name := strings.Join(e.Lacks.Names(), "")
		if e.Lacks == binary.MultiMemory {
			name = "multimemory" // as LLVM has it
		}
		mend = strings.ReplaceAll(laterProposal.mend(m), "NAME", name)
	}
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
		r.Faults = append(r.Faults, r.withoutEntry(o))
		return
	default:
		r.enterCommand(o)
	}
	if _, ok := o.Exported("memory", binary.KindMemory); !ok {
		r.Faults = append(r.Faults, "the module exports no memory named \"memory\", through which its host talks to it: "+
			hiddenMemory.mend(r.maker()))
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
		r.Faults = append(r.Faults, fmt.Sprintf("the module exports no function %s, which its contract wants: %s",
			name, noExport.mend(r.maker())))
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

// shorten keeps as much of a module's word as a person wants to read.
func shorten(word string) string {
	const most = 200
	if len(word) <= most {
		return word
	}
	return strings.ToValidUTF8(word[:most], "") + "…"
}
