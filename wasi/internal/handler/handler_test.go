package handler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/http-wasm/http-wasm-host-go/tck"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/spacewasm/spacewasm/wasi/internal/answer"
	"github.com/spacewasm/spacewasm/wasi/internal/handler"
	"github.com/spacewasm/spacewasm/wasi/wasitest"
)

// runtime has the module of the ABI.
func newRuntime(t *testing.T) wazero.Runtime {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	t.Cleanup(func() { _ = r.Close(ctx) })
	builder := r.NewHostModuleBuilder(handler.ModuleName)
	handler.Export(builder)
	if _, err := builder.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	return r
}

// server answers with a guest, of which each request has an instance of its own.
type server struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
	next    http.Handler
	log     bytes.Buffer
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.serve(w, r); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) error {
	setup := handler.Initialise(&s.log)
	ctx := handler.With(r.Context(), setup)
	guest, err := s.runtime.InstantiateModule(ctx, s.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return err
	}
	defer func() { _ = guest.Close(ctx) }()
	x := handler.New(w, r, handler.Config{Log: &s.log, Limit: 1 << 20, Next: s.next}, func(error) {})
	x.Enable(setup.Features())
	ctx = handler.With(r.Context(), x)
	err = x.Run(func(name string, params ...uint64) (uint64, error) {
		results, err := guest.ExportedFunction(name).Call(ctx, params...)
		if err != nil || len(results) == 0 {
			return 0, err
		}
		return results[0], nil
	})
	if err != nil {
		return err
	}
	return x.Close()
}

// The compatibility kit of the ABI passes, with its own guest and next handler.
func TestCompatibilityKit(t *testing.T) {
	r := newRuntime(t)
	module, err := r.CompileModule(t.Context(), tck.GuestWASM)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&server{runtime: r, module: module, next: tck.BackendHandler()})
	t.Cleanup(s.Close)
	tck.Run(t, s.Client(), s.URL)
}

// guest calls the functions as a test says.
type guest struct {
	t   *testing.T
	x   *handler.Exchange
	ctx context.Context //nolint:containedctx // what its calls are made with
	api.Module
	rec  *httptest.ResponseRecorder
	log  *bytes.Buffer
	errs []error
	top  uint32
}

// newGuest has the exchange of a request.
func newGuest(t *testing.T, r *http.Request, next http.Handler) *guest {
	t.Helper()
	module, err := newRuntime(t).Instantiate(t.Context(), wasitest.Guest("handler"))
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{t: t, Module: module, rec: httptest.NewRecorder(), log: &bytes.Buffer{}}
	config := handler.Config{Log: g.log, Limit: 1 << 20, Next: next}
	g.x = handler.New(g.rec, r, config, func(err error) { g.errs = append(g.errs, err) })
	g.ctx = handler.With(t.Context(), g.x)
	return g
}

func (g *guest) try(name string, params ...uint64) (uint64, error) {
	results, err := g.ExportedFunction(name).Call(g.ctx, params...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

func (g *guest) call(name string, params ...uint64) uint64 {
	g.t.Helper()
	result, err := g.try(name, params...)
	if err != nil {
		g.t.Fatalf("%s%v: %v", name, params, err)
	}
	return result
}

// traps checks that a call is a trap that says why.
func (g *guest) traps(why, name string, params ...uint64) {
	g.t.Helper()
	if _, err := g.try(name, params...); err == nil || !strings.Contains(err.Error(), why) {
		g.t.Errorf("%s%v: got %v, want a trap that says %q", name, params, err, why)
	}
}

// put puts a text into the guest's memory, and returns where and how long.
func (g *guest) put(text string) (uint64, uint64) {
	at := g.top
	g.top += uint32(len(text))
	if !g.Memory().WriteString(at, text) {
		g.t.Fatal("the test needs a guest with more memory")
	}
	return uint64(at), uint64(len(text))
}

const (
	buffer = 32 << 10 // where results go
	room   = 16 << 10
)

// text calls a function that returns a text.
func (g *guest) text(name string, params ...uint64) string {
	g.t.Helper()
	n := g.call(name, append(params, buffer, room)...)
	b, _ := g.Memory().Read(buffer, uint32(n))
	return string(b)
}

// list calls a function that returns a list.
func (g *guest) list(name string, params ...uint64) []string {
	g.t.Helper()
	n := g.call(name, append(params, buffer, room)...)
	b, _ := g.Memory().Read(buffer, uint32(n))
	all := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	if n == 0 {
		all = nil
	}
	if len(all) != int(n>>32) {
		g.t.Errorf("%s: %d of %q", name, n>>32, b)
	}
	return all
}

func (g *guest) set(name string, kind uint64, field, value string) (uint64, error) {
	f, fn := g.put(field)
	v, vn := g.put(value)
	return g.try(name, kind, f, fn, v, vn)
}

func (g *guest) write(kind uint64, text string) error {
	at, n := g.put(text)
	_, err := g.try("write_body", kind, at, n)
	return err
}

const (
	request, response, requestTrailers, responseTrailers = 0, 1, 2, 3

	bufferRequest, bufferResponse, trailers = 1, 2, 4
)

func newRequest() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://example.org/a%20b?c=d", strings.NewReader("the body"))
	r.Header = http.Header{"Accept": {"a/b", "c/d"}, "X-One": {"1"}}
	r.RemoteAddr = "192.0.2.7:1234"
	return r
}

func TestRequest(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	for name, want := range map[string]string{
		"get_method": "POST", "get_uri": "/a%20b?c=d", "get_protocol_version": "HTTP/1.1", "get_config": "",
		"get_source_addr": "127.0.0.1:0", // never the client's
	} {
		if got := g.text(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := g.list("get_header_names", request); strings.Join(got, " ") != "accept content-length host x-one" {
		t.Errorf("names %q", got)
	}
	for name, want := range map[string]string{"ACCEPT": "a/b c/d", "host": "example.org", "content-length": "8", "x-none": ""} {
		at, n := g.put(name)
		if got := strings.Join(g.list("get_header_values", request, at, n), " "); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for kind := range uint64(4) {
		if kind != request && len(g.list("get_header_names", kind)) != 0 {
			t.Errorf("names of kind %d", kind)
		}
	}
	var body []byte
	for end := uint64(0); end == 0; {
		n := g.call("read_body", request, buffer, 3)
		b, _ := g.Memory().Read(buffer, uint32(n))
		body, end = append(body, b...), n>>32
	}
	if string(body) != "the body" {
		t.Errorf("body %q", body)
	}
}

// What does not fit is not written, and its length is told.
func TestNoRoom(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	g.Memory().WriteString(buffer, "untouched")
	at, n := g.put("accept")
	for name, got := range map[string]uint64{
		"4": g.call("get_method", buffer, 3), "10": g.call("get_uri", buffer, 9),
		fmt.Sprint(4<<32 | 33): g.call("get_header_names", request, buffer, 32),
		fmt.Sprint(2<<32 | 8):  g.call("get_header_values", request, at, n, buffer, 7),
	} {
		if fmt.Sprint(got) != name {
			t.Errorf("got %d, want %s", got, name)
		}
	}
	if b, _ := g.Memory().Read(buffer, 9); string(b) != "untouched" {
		t.Errorf("written %q", b)
	}
}

func TestResponse(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	g.call("set_status_code", 201)
	for _, f := range [][2]string{{"content-type", "text/plain"}, {"X-Two", "a"}, {"connection", "close"}, {"x-gone", "1"}} {
		if _, err := g.set("set_header_value", response, f[0], f[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.set("add_header_value", response, "x-two", "b"); err != nil {
		t.Fatal(err)
	}
	at, n := g.put("X-GONE")
	g.call("remove_header", response, at, n)
	if got := g.list("get_header_names", response); strings.Join(got, " ") != "connection content-type x-two" {
		t.Errorf("names %q", got)
	}
	for _, part := range []string{"hello ", "", "world"} {
		if err := g.write(response, part); err != nil {
			t.Fatal(err)
		}
	}
	if g.call("get_status_code") != 201 || g.rec.Body.Len() > 0 {
		t.Error("it was sent already")
	}
	if err := g.x.Close(); err != nil {
		t.Fatal(err)
	}
	want := http.Header{"Content-Type": {"text/plain"}, "X-Two": {"a", "b"}, "Content-Length": {"11"}}
	if g.rec.Code != 201 || g.rec.Body.String() != "hello world" || fmt.Sprint(g.rec.Header()) != fmt.Sprint(want) {
		t.Errorf("%d %v %q", g.rec.Code, g.rec.Header(), g.rec.Body)
	}
}

// A large response streams; then its header cannot be changed any more.
func TestStreaming(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	at, n := g.put(strings.Repeat("x", 30<<10))
	for range 3 {
		g.call("write_body", response, at, n)
	}
	if !g.x.Committed() || g.rec.Body.Len() != 90<<10 {
		t.Fatalf("sent %d bytes", g.rec.Body.Len())
	}
	g.traps("too late", "set_status_code", 500)
	g.traps("too late", "remove_header", response, 0, 1)
	if _, err := g.set("set_header_value", response, "a", "b"); err == nil {
		t.Error("a header was changed after it was sent")
	}
	for range 40 {
		if _, err := g.try("write_body", response, at, n); err != nil {
			break
		}
	}
	if _, ok := errors.AsType[*answer.TooLargeError](g.x.Err()); !ok || len(g.errs) != 1 {
		t.Errorf("got %v, told %v", g.x.Err(), g.errs)
	}
}

// Wrong use is a trap, and never the host's.
func TestMisuse(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	const outside = 1<<32 - 1
	name, n := g.put("x-a")
	for _, c := range []struct {
		why, name string
		params    []uint64
	}{
		{"not in memory", "get_method", []uint64{outside, 100}},
		{"not in memory", "get_header_names", []uint64{request, outside, 1000}},
		{"not in memory", "get_header_values", []uint64{request, outside, 3, buffer, room}},
		{"too long", "get_header_values", []uint64{request, 0, outside, buffer, room}},
		{"no kind of header", "get_header_names", []uint64{4, buffer, room}},
		{"no kind of header", "set_header_value", []uint64{9, name, n, name, n}},
		{"trailers are not offered", "set_header_value", []uint64{responseTrailers, name, n, name, n}},
		{"trailers are not offered", "add_header_value", []uint64{requestTrailers, name, n, name, n}},
		{"no name of a header field", "set_header_value", []uint64{response, name, 0, name, n}},
		{"no kind of body", "read_body", []uint64{2, buffer, room}},
		{"no kind of body", "write_body", []uint64{2, buffer, room}},
		{"no room for a single byte", "read_body", []uint64{request, buffer, 0}},
		{"not in memory", "read_body", []uint64{request, outside, 10}},
		{"not in memory", "write_body", []uint64{response, 0, outside}},
		{"a feature is not enabled", "read_body", []uint64{response, buffer, room}},
		{"not in memory", "log", []uint64{0, outside, 10}},
		{"it is no method", "set_method", []uint64{name, 0}},
		{"it is no URI", "set_uri", []uint64{name, n}},
		{"200 to 599", "set_status_code", []uint64{101}},
	} {
		g.traps(c.why, c.name, c.params...)
	}
	for _, value := range []string{"a\r\nb: c", "a\x00"} {
		if _, err := g.set("set_header_value", response, "a", value); err == nil || !strings.Contains(err.Error(), "control characters") {
			t.Errorf("%q: %v", value, err)
		}
	}
}

// A header cannot fill the host's memory.
func TestHeaderIsBounded(t *testing.T) {
	for name, grow := range map[string]func(g *guest, i int) error{
		"lines": func(g *guest, _ int) error {
			_, err := g.set("add_header_value", response, "a", "b")
			return err
		},
		"bytes": func(g *guest, i int) error {
			g.top = 0
			_, err := g.set("set_header_value", response, fmt.Sprint("a", i), strings.Repeat("b", 10<<10))
			return err
		},
		"request": func(g *guest, i int) error {
			g.top = 0
			_, err := g.set("set_header_value", request, fmt.Sprint("a", i), strings.Repeat("b", 10<<10))
			return err
		},
	} {
		g := newGuest(t, newRequest(), nil)
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			err = grow(g, i)
		}
		if err == nil || !strings.Contains(err.Error(), "the header has more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLog(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	at, n := g.put("hello")
	enabled := ""
	for _, level := range []int32{-1, 0, 1, 2, 3} {
		g.call("log", uint64(uint32(level)), at, n)
		enabled += fmt.Sprint(g.call("log_enabled", uint64(uint32(level))))
	}
	if g.log.String() != "hello\nwarning: hello\nerror: hello\n" || enabled != "01110" {
		t.Errorf("enabled %s: %q", enabled, g.log)
	}
}

// A call ends with the request's context, as all calls of a host do.
func TestCallsEnd(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	ctx, cancel := context.WithCancel(g.ctx)
	g.ctx = ctx
	g.call("get_method", buffer, room)
	cancel()
	for name, definition := range g.ExportedFunctionDefinitions() {
		if name == handler.HandleRequest || name == handler.HandleResponse {
			continue
		}
		if _, err := g.try(name, make([]uint64, len(definition.ParamTypes()))...); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without a next handler a body is not held for one: what streams does.
func TestNothingIsHeldForNobody(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	g.call("enable_features", bufferRequest|bufferResponse)
	at, n := g.put(strings.Repeat("x", 30<<10))
	for range 50 {
		g.call("write_body", request, at, n) // of more than the limit
	}
	for range 3 {
		g.call("write_body", response, at, n)
	}
	if g.rec.Body.Len() != 90<<10 {
		t.Errorf("sent %d bytes", g.rec.Body.Len())
	}
}

// While it initialises itself a guest can enable features and log; there is no
// request to ask about.
func TestInitialise(t *testing.T) {
	g := newGuest(t, newRequest(), nil)
	g.x = handler.Initialise(g.log)
	g.ctx = handler.With(t.Context(), g.x)
	if got := g.call("enable_features", bufferRequest|trailers|8); got != bufferRequest || g.x.Features() != handler.BufferRequest {
		t.Errorf("features %d, %d", got, g.x.Features())
	}
	if g.call("log_enabled", 0) != 1 || g.text("get_config") != "" {
		t.Error("it cannot log, or has a configuration")
	}
	for name, params := range map[string]int{
		"get_method": 2, "get_uri": 2, "set_uri": 2, "read_body": 3, "write_body": 3, "set_status_code": 1, "get_header_names": 3, "get_status_code": 0,
	} {
		g.traps("no request", name, make([]uint64, params)...)
	}
}
