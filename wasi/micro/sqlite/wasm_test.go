//go:build !wasip1

package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/spacewasm/spacewasm/wasi/micro/sqlite/sqlitetest"
)

// exports are the functions of the ABI, with what they do: they are given the memory,
// the parameters, and what to write as u32 if there is no failure.
func exports(l host) map[string]struct {
	params string
	do     func(m api.Memory, p []uint64, out func(...uint32)) int32
} {
	text := func(m api.Memory, at, n uint64) string {
		b, _ := m.Read(uint32(at), uint32(n))
		return string(b)
	}
	view := func(m api.Memory, at, n uint64) []byte {
		b, _ := m.Read(uint32(at), uint32(n))
		return b
	}
	type function = struct {
		params string
		do     func(m api.Memory, p []uint64, out func(...uint32)) int32
	}
	return map[string]function{
		"open": {"iiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			database, code := l.open(text(m, p[0], p[1]))
			out(database)
			return code
		}},
		"close": {"i", func(_ api.Memory, p []uint64, _ func(...uint32)) int32 { return l.close(uint32(p[0])) }},
		"prepare": {"iiiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			s, code := l.prepare(uint32(p[0]), text(m, p[1], p[2]))
			out(s.id, uint32(s.read), uint32(s.inputs), uint32(s.outputs))
			return code
		}},
		"columns": {"iiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			n, code := l.columns(uint32(p[0]), view(m, p[1], p[2]))
			out(uint32(n))
			return code
		}},
		"parameters": {"iiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			n, code := l.parameters(uint32(p[0]), view(m, p[1], p[2]))
			out(uint32(n))
			return code
		}},
		"bind": {"iii", func(m api.Memory, p []uint64, _ func(...uint32)) int32 {
			return l.bind(uint32(p[0]), view(m, p[1], p[2]))
		}},
		"step": {"iiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			count, size, code := l.step(uint32(p[0]), view(m, p[1], p[2]))
			out(uint32(count), uint32(size))
			return code
		}},
		"column": {"iiiiip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			n, code := l.column(uint32(p[0]), int(uint32(p[1])), int(uint32(p[2])), view(m, p[3], p[4]))
			out(uint32(n))
			return code
		}},
		"reset":    {"i", func(_ api.Memory, p []uint64, _ func(...uint32)) int32 { return l.reset(uint32(p[0])) }},
		"finalize": {"i", func(_ api.Memory, p []uint64, _ func(...uint32)) int32 { return l.finalize(uint32(p[0])) }},
		"blob_open": {"iiiiilp", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			blob, size, code := l.blobOpen(uint32(p[0]), text(m, p[1], p[2]), text(m, p[3], p[4]), int64(p[5]))
			out(blob, size)
			return code
		}},
		"blob_read": {"iiii", func(m api.Memory, p []uint64, _ func(...uint32)) int32 {
			return l.blobRead(uint32(p[0]), int64(uint32(p[1])), view(m, p[2], p[3]))
		}},
		"blob_close": {"i", func(_ api.Memory, p []uint64, _ func(...uint32)) int32 { return l.blobClose(uint32(p[0])) }},
		"deadline": {"il", func(_ api.Memory, p []uint64, _ func(...uint32)) int32 {
			return l.deadline(uint32(p[0]), time.Duration(p[1]))
		}},
		"error": {"iip", func(m api.Memory, p []uint64, out func(...uint32)) int32 {
			code, offset, n := l.failure(view(m, p[0], p[1]))
			out(uint32(code), uint32(offset), uint32(n))
			return codeOK
		}},
	}
}

// run runs a module as a program over a host, and returns its output.
func run(t *testing.T, l host, module []byte, stdin string, env ...string) string {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig())
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	builder := r.NewHostModuleBuilder("spacewasm_sqlite_v1")
	for name, f := range exports(l) {
		var params []api.ValueType
		for _, kind := range f.params {
			if kind == 'l' {
				params = append(params, api.ValueTypeI64)
			} else {
				params = append(params, api.ValueTypeI32)
			}
		}
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) {
			stack[0] = api.EncodeI32(f.do(m.Memory(), stack, func(out ...uint32) {
				at := uint32(stack[len(params)-1])
				for i, v := range out {
					m.Memory().WriteUint32Le(at+uint32(4*i), v)
				}
			}))
		}), params, []api.ValueType{api.ValueTypeI32}).Export(name)
	}
	if _, err := builder.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	config := wazero.NewModuleConfig().WithStdin(strings.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr).WithSysWalltime()
	for i := 0; i < len(env); i += 2 {
		config = config.WithEnv(env[i], env[i+1])
	}
	if _, err := r.InstantiateWithConfig(ctx, module, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return stdout.String()
}

// The driver, compiled for a host, gives for all queries what modernc.org/sqlite gives.
func TestModuleInGo(t *testing.T) {
	module := filepath.Join(t.TempDir(), "ask.wasm")
	build := exec.Command("go", "build", "-o", module, "./testdata/ask")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	_, l := over(t, sqlitetest.Schema)
	cases, err := sqlitetest.Cases()
	if err != nil {
		t.Fatal(err)
	}
	request := sqlitetest.Request{Path: "/data.db"}
	for _, c := range cases {
		request.Queries = append(request.Queries, c.Query)
	}
	asked, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var got, byRows, want []sqlitetest.Answer
	if err := json.Unmarshal([]byte(run(t, l, code, string(asked))), &got); err != nil || len(got) != len(cases)+1 {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	request.Rows = true
	if asked, err = json.Marshal(request); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(run(t, l, code, string(asked))), &byRows); err != nil || len(byRows) != len(cases) {
		t.Fatalf("%d answers by rows, %v", len(byRows), err)
	}
	native, err := sql.Open("sqlite", "/data.db")
	if err != nil {
		t.Fatal(err)
	}
	defer native.Close()
	asked, err = json.Marshal(sqlitetest.Ask(t.Context(), native, request.Queries))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asked, &want); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: %s\ngot  %.1000v\nwant %.1000v", c.Name, c.Query.SQL, got[i], want[i])
		}
		if want := want[i].WithoutTypes(); !reflect.DeepEqual(byRows[i], want) {
			t.Errorf("%s: %s\nby rows %.1000v\nwant    %.1000v", c.Name, c.Query.SQL, byRows[i], want)
		}
	}
	if blob := got[len(cases)].Columns[0]; blob != strings.Repeat("long ", 2) {
		t.Errorf("the blob ends with %q", blob)
	}
}

// The header in C says what the ABI is.
func TestModuleInC(t *testing.T) {
	code, err := os.ReadFile("../../wasitest/guests/sqlite_c.wasm")
	if err != nil {
		t.Fatal(err)
	}
	_, l := over(t, "create table t(a, b); insert into t values (1, 'one'), (2.5, null), (x'00ff', replace(hex(zeroblob(10000)), '00', 'long'))")
	long := strings.Repeat("long", 10000)
	for _, c := range []struct{ query, body, want string }{
		{"select%20*%20from%20t", "", "1|one\n2.5|NULL\n00ff|" + long + "\ndone\n"},
		{"", "select a from t where b = 'one'; select 7;", "1\n7\ndone\n"},
		{"", "bind\none\nx\n\nselect a, ?2 from t where b = ?1", "1|x\ndone\n"},
		{"", "", "done\n"},
		{"", "select nosuch from t", "prepare: 1 at 7: no such column: nosuch\n"},
		{"", "select abs(-9223372036854775808)", "step: 1 at -1: integer overflow\n"},
	} {
		if got := run(t, l, code, c.body, "QUERY_STRING", c.query); got != "Content-Type: text/plain\r\n\r\n"+c.want {
			t.Errorf("%q %q: %.300q", c.query, c.body, got)
		}
	}
	clear(l.fault)
	l.fault["open"] = 14
	if got := run(t, l, code, "select 1"); !strings.HasSuffix(got, "open: 14 at -1: made to fail\n") {
		t.Errorf("what cannot be opened: %q", got)
	}
	for id, p := range l.handles { // those that failed have left theirs, which a host frees
		if _, statement := l.of[id]; !statement && p != 0 {
			l.close(id)
		}
	}
}
