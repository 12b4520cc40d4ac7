package handler

import (
	"context"
	"fmt"
	"maps"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"golang.org/x/net/http/httpguts"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
	"github.com/spacewasm/spacewasm/wasi/internal/preview1"
)

// Kinds of headers.
const (
	requestHeader uint32 = iota
	responseHeader
	requestTrailers
	responseTrailers
)

// Kinds of bodies.
const (
	requestBody uint32 = iota
	responseBody
)

// Levels of messages that are logged.
const (
	levelInfo int32 = iota
	levelWarn
	levelError
)

// sourceAddress is every client's: theirs is nobody's business.
const sourceAddress = "127.0.0.1:0"

// Export adds the functions of the ABI to a host module. Guests must be called with
// a context of [With].
func Export(builder wazero.HostModuleBuilder) {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	for _, f := range functions() {
		params := make([]api.ValueType, f.params)
		for i := range params {
			params[i] = i32
		}
		var results []api.ValueType
		switch f.result {
		case 'i':
			results = []api.ValueType{i32}
		case 'I':
			results = []api.ValueType{i64}
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(f.run(), params, results).Export(f.name)
	}
}

// function is one function of the ABI. All of its parameters are i32.
type function struct {
	name   string
	params int
	result byte // i is an i32, I an i64, - is none
	anyway bool // also while the guest initialises itself
	call   func(call) uint64
}

func (f function) run() api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		x, ok := ctx.Value(exchangeKey{}).(*Exchange)
		if !ok {
			panic("handler: a guest was called without an exchange in its context")
		}
		preview1.Alive(ctx)
		if x.phase == initialising && !f.anyway {
			misuse("%s is called where there is no request", f.name)
		}
		result := f.call(call{Exchange: x, name: f.name, memory: m.Memory(), stack: stack})
		if f.result != '-' {
			stack[0] = result
		}
	}
}

// functions lists all functions of the ABI.
func functions() []function {
	return []function{
		{"enable_features", 1, 'i', true, enableFeatures},
		{"get_config", 2, 'i', true, func(c call) uint64 { return c.text("") }},
		{"log_enabled", 1, 'i', true, logEnabled},
		{"log", 3, '-', true, logMessage},
		{"get_method", 2, 'i', false, func(c call) uint64 { return c.text(c.request.Method) }},
		{"set_method", 2, '-', false, setMethod},
		{"get_uri", 2, 'i', false, func(c call) uint64 { return c.text(c.request.URL.RequestURI()) }},
		{"set_uri", 2, '-', false, setURI},
		{"get_protocol_version", 2, 'i', false, func(c call) uint64 { return c.text(c.request.Proto) }},
		{"get_source_addr", 2, 'i', false, func(c call) uint64 { return c.text(sourceAddress) }},
		{"get_header_names", 3, 'I', false, getHeaderNames},
		{"get_header_values", 5, 'I', false, getHeaderValues},
		{"set_header_value", 5, '-', false, setHeaderValue},
		{"add_header_value", 5, '-', false, addHeaderValue},
		{"remove_header", 3, '-', false, removeHeader},
		{"read_body", 3, 'I', false, readBody},
		{"write_body", 3, '-', false, writeBody},
		{"get_status_code", 0, 'i', false, func(c call) uint64 { return uint64(c.statusCode()) }},
		{"set_status_code", 1, '-', false, setStatusCode},
	}
}

// call is one call of a function, and lives no longer.
type call struct {
	*Exchange
	name   string
	memory api.Memory
	stack  []uint64
}

func (c call) u32(i int) uint32 { return uint32(c.stack[i]) }

// bytes is a view of the guest's memory; parameters i and i+1 are where it is.
func (c call) bytes(i int) []byte {
	b, ok := c.memory.Read(c.u32(i), c.u32(i+1))
	if !ok {
		misuse("%s: %d bytes at %d are not in memory", c.name, c.u32(i+1), c.u32(i))
	}
	return b
}

// word copies a string out of the guest's memory, as bytes does. It has at most as
// many bytes as a header.
func (c call) word(i int) string {
	if c.u32(i+1) > answer.MaxHead {
		misuse("%s: a text of %d bytes is too long", c.name, c.u32(i+1))
	}
	return string(c.bytes(i))
}

// text writes a string if there is room for it, and returns its length; the first
// two parameters are where to.
func (c call) text(s string) uint64 {
	if uint64(len(s)) <= uint64(c.u32(1)) && !c.memory.WriteString(c.u32(0), s) {
		misuse("%s: %d bytes at %d are not in memory", c.name, len(s), c.u32(0))
	}
	return uint64(len(s))
}

// list writes strings, each with a NUL behind it, if there is room for all; the
// parameters i and i+1 are where to.
func (c call) list(i int, all []string) uint64 {
	size := 0
	for _, s := range all {
		size += len(s) + 1
	}
	if size > 0 && uint64(size) <= uint64(c.u32(i+1)) {
		text := strings.Join(all, "\x00") + "\x00"
		if !c.memory.WriteString(c.u32(i), text) {
			misuse("%s: %d bytes at %d are not in memory", c.name, size, c.u32(i))
		}
	}
	return uint64(len(all))<<32 | uint64(size)
}

// must traps unless the guest may do what it does now.
func (c call) must(may bool) {
	if !may {
		misuse("%s: it is too late, or a feature is not enabled", c.name)
	}
}

func enableFeatures(c call) uint64 {
	c.Enable(Features(c.u32(0)))
	return uint64(c.features)
}

func logEnabled(c call) uint64 {
	if level := int32(c.u32(0)); level >= levelInfo && level <= levelError {
		return 1
	}
	return 0
}

func logMessage(c call) uint64 {
	const most = 64 << 10
	message := c.bytes(1)
	message = message[:min(len(message), most)]
	prefix := ""
	switch int32(c.u32(0)) {
	case levelInfo:
	case levelWarn:
		prefix = "warning: "
	case levelError:
		prefix = "error: "
	default: // debugging, none, and what there is not
		return 0
	}
	// Trouble of the log is not the guest's.
	_, _ = fmt.Fprintf(c.log, "%s%s\n", prefix, message)
	return 0
}

func setMethod(c call) uint64 {
	c.must(c.phase == before)
	method := c.word(0)
	if !httpguts.ValidHeaderFieldName(method) { // a token, as it is
		misuse("%s: it is no method", c.name)
	}
	c.request.Method = method
	return 0
}

func setURI(c call) uint64 {
	c.must(c.phase == before)
	uri := c.word(0)
	if uri == "" {
		uri = "/"
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		misuse("%s: it is no URI", c.name) // the error quotes it
	}
	c.request.URL, c.request.RequestURI = u, uri
	return 0
}

// look returns a header to read.
func (c call) look(kind uint32) fields {
	switch kind {
	case requestHeader:
		return fields(c.request.Header)
	case responseHeader:
		return c.header
	case requestTrailers, responseTrailers:
		return nil
	}
	misuse("%s: %d is no kind of header", c.name, kind)
	return nil
}

// change returns a header to change, while that can be.
func (c call) change(kind uint32) fields {
	switch kind {
	case requestHeader:
		c.must(c.phase == before)
		c.request.Header = maps.Clone(c.request.Header)
		return fields(c.request.Header)
	case responseHeader:
		c.must(!c.out.Begun())
		return c.header
	case requestTrailers, responseTrailers:
		misuse("%s: trailers are not offered", c.name)
	}
	misuse("%s: %d is no kind of header", c.name, kind)
	return nil
}

// field reads the name of a field, which is parameter 1.
func (c call) field() string {
	name := c.word(1)
	if !httpguts.ValidHeaderFieldName(name) {
		misuse("%s: it is no name of a header field", c.name)
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// value reads the value of a field, which is parameter 3.
func (c call) value() string {
	value := c.word(3)
	if !httpguts.ValidHeaderFieldValue(value) {
		misuse("%s: the value has control characters", c.name)
	}
	return value
}

func getHeaderNames(c call) uint64 {
	var names []string
	for _, name := range c.look(c.u32(0)).names() {
		names = append(names, strings.ToLower(name))
	}
	if c.u32(0) == requestHeader && c.request.Host != "" {
		names = append(names, "host")
		slices.Sort(names)
	}
	return c.list(1, names)
}

func getHeaderValues(c call) uint64 {
	header, name := c.look(c.u32(0)), c.field()
	if c.u32(0) == requestHeader && name == "Host" {
		return c.list(3, []string{c.request.Host})
	}
	return c.list(3, header[name])
}

func setHeaderValue(c call) uint64 {
	header, name, value := c.change(c.u32(0)), c.field(), c.value()
	header[name] = []string{value}
	header.check()
	return 0
}

func addHeaderValue(c call) uint64 {
	header, name, value := c.change(c.u32(0)), c.field(), c.value()
	header[name] = append(slices.Clip(header[name]), value)
	header.check()
	return 0
}

func removeHeader(c call) uint64 {
	header := c.change(c.u32(0))
	delete(header, c.field())
	return 0
}

func readBody(c call) uint64 {
	read := c.readRequest
	switch kind := c.u32(0); kind {
	case requestBody:
		c.must(c.phase == before || c.features&BufferRequest != 0)
	case responseBody:
		c.must(c.features&BufferResponse != 0)
		read = c.readResponse
	default:
		misuse("%s: %d is no kind of body", c.name, kind)
	}
	b := c.bytes(1)
	if len(b) == 0 {
		misuse("%s: there is no room for a single byte", c.name)
	}
	n, end := read(b)
	if end {
		return 1<<32 | uint64(n)
	}
	return uint64(n)
}

func writeBody(c call) uint64 {
	b := c.bytes(1)
	switch kind := c.u32(0); kind {
	case requestBody:
		c.must(c.phase == before)
		c.writeRequest(b)
	case responseBody:
		c.must(c.phase == before || c.features&BufferResponse != 0)
		c.writeResponse(b)
	default:
		misuse("%s: %d is no kind of body", c.name, kind)
	}
	return 0
}

func setStatusCode(c call) uint64 {
	c.must(!c.out.Begun())
	status := int(c.u32(0))
	if err := answer.NewHead().SetStatus(status); err != nil {
		panic(c.out.Fail(err))
	}
	c.status = status
	return 0
}
