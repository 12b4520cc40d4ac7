package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	_ "modernc.org/sqlite" // it makes the databases

	"github.com/spacewasm/spacewasm/wasi/internal/fs"
	"github.com/spacewasm/spacewasm/wasi/internal/sqlite"
)

// bundle is a folder of databases, and the pool of it.
type bundle struct {
	t    testing.TB
	dir  string
	root *os.Root
	pool *sqlite.Pool
}

const maxValue = 5_767_168

func newBundle(t testing.TB) *bundle {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{t: t, dir: dir, root: root}
	b.pool = sqlite.NewPool(sqlite.Config{Bundle: fs.ReadOnly(root, fs.Shared{}), MaxValue: maxValue})
	t.Cleanup(func() {
		b.pool.Close()
		_ = root.Close()
		if n := sqlite.Heaps(); n > 0 {
			t.Errorf("%d connections are left", n)
		}
	})
	return b
}

// make makes a database by statements.
func (b *bundle) make(name string, statements ...string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(b.dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			b.t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		b.t.Fatal(err)
	}
}

// guest calls the functions of the ABI as a module does.
type guest struct {
	t       testing.TB
	ctx     context.Context //nolint:containedctx // of its calls
	module  api.Module
	run     map[string]api.GoModuleFunc
	session *sqlite.Session
	meter   *meter
}

// meter is an account without an end, but for most.
type meter struct {
	used, most int64
	ends       bool // it ends the guest that has used more
}

// errEnded ends a guest.
var errEnded = errors.New("the fuel is used up")

func (m *meter) Charge(n int64) {
	m.used += n
	if m.ends && m.used > m.most {
		panic(errEnded)
	}
}

func (m *meter) Allows(n int64) bool { return m.most == 0 || m.used+n <= m.most }

// memoryModule is (module (memory (export "memory") 256)): 16 MiB.
func memoryModule() []byte {
	return []byte("\x00asm\x01\x00\x00\x00" + "\x05\x04\x01\x00\x80\x02" + "\x07\x0a\x01\x06memory\x02\x00")
}

func (b *bundle) guest() *guest { return b.goesOn(sqlite.State{}) }

// goesOn returns a guest that begins with a state.
func (b *bundle) goesOn(state sqlite.State) *guest {
	b.t.Helper()
	ctx := context.Background()
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	module, err := runtime.Instantiate(ctx, memoryModule())
	if err != nil {
		b.t.Fatal(err)
	}
	m := &meter{}
	g := &guest{t: b.t, ctx: ctx, module: module, session: sqlite.NewSession(b.pool, state, m), meter: m}
	g.run, _ = sqlite.Functions()
	b.t.Cleanup(func() {
		g.session.Close()
		_ = runtime.Close(ctx)
	})
	return g
}

// The places of a guest's memory.
const (
	outAt    = 0
	textAt   = 64
	valuesAt = 2 << 20
	bufferAt = 8 << 20
)

// call calls a function, and returns its code.
func (g *guest) call(name string, params ...uint64) int32 {
	g.t.Helper()
	stack := make([]uint64, max(len(params), 1))
	copy(stack, params)
	f := g.run[name]
	if f == nil {
		g.t.Fatalf("there is no function %q", name)
	}
	f(sqlite.With(g.ctx, g.session), g.module, stack)
	return int32(uint32(stack[0]))
}

func (g *guest) out(i int) uint32 {
	v, _ := g.module.Memory().ReadUint32Le(uint32(outAt + 4*i))
	return v
}

func (g *guest) text(s string) (ptr, n uint64) {
	if !g.module.Memory().WriteString(textAt, s) {
		g.t.Fatal("the text is too long for the test's memory")
	}
	return textAt, uint64(len(s))
}

// failure is the error of the last call that failed.
func (g *guest) failure(code int32) error {
	g.call("error", bufferAt, 4096, outAt)
	message, _ := g.module.Memory().Read(bufferAt, min(g.out(2), 4096))
	return fmt.Errorf("%s (%d)", message, code)
}

func (g *guest) open(path string) (uint32, error) {
	ptr, n := g.text(path)
	if code := g.call("open", ptr, n, 0, outAt); code != 0 {
		return 0, g.failure(code)
	}
	return g.out(0), nil
}

func (g *guest) mustOpen(path string) uint32 {
	g.t.Helper()
	db, err := g.open(path)
	if err != nil {
		g.t.Fatal(err)
	}
	return db
}

func (g *guest) prepare(db uint32, query string) (stmt, columns uint32, err error) {
	ptr, n := g.text(query)
	if code := g.call("prepare", uint64(db), ptr, n, 0, outAt); code != 0 {
		return 0, 0, g.failure(code)
	}
	return g.out(0), g.out(3), nil
}

// query runs a query to its end.
func (g *guest) query(db uint32, query string, values ...any) ([][]any, error) {
	g.t.Helper()
	stmt, columns, err := g.prepare(db, query)
	if err != nil || stmt == 0 {
		return nil, err
	}
	defer g.call("finalize", uint64(stmt))
	if len(values) > 0 {
		b := encode(values...)
		g.module.Memory().Write(valuesAt, b)
		if code := g.call("bind", uint64(stmt), valuesAt, uint64(len(b))); code != 0 {
			return nil, g.failure(code)
		}
	}
	return g.rows(stmt, columns, 64<<10)
}

func (g *guest) rows(stmt, columns, capacity uint32) ([][]any, error) {
	var rows [][]any
	for {
		code := g.call("step", uint64(stmt), bufferAt, uint64(capacity), outAt)
		if code != 100 && code != 101 {
			return rows, g.failure(code)
		}
		n, size := g.out(0), g.out(1)
		b, _ := g.module.Memory().Read(bufferAt, size)
		for range n {
			row := make([]any, columns)
			for i := range row {
				row[i], b = decode(g.t, b)
			}
			rows = append(rows, row)
		}
		if len(b) != 0 {
			g.t.Errorf("%d bytes are left behind %d rows", len(b), n)
		}
		if code == 101 {
			return rows, nil
		}
	}
}

// notSent is the length of a value that was not sent.
type notSent int

func encode(values ...any) (b []byte) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			b = append(b, 0)
		case int:
			b = binary.LittleEndian.AppendUint64(append(b, 1), uint64(v))
		case float64:
			b = binary.LittleEndian.AppendUint64(append(b, 2), math.Float64bits(v))
		case string:
			b = append(binary.LittleEndian.AppendUint32(append(b, 3), uint32(len(v))), v...)
		case []byte:
			b = append(binary.LittleEndian.AppendUint32(append(b, 4), uint32(len(v))), v...)
		}
	}
	return b
}

func decode(t testing.TB, b []byte) (any, []byte) {
	switch tag, rest := b[0], b[1:]; tag {
	case 0:
		return nil, rest
	case 1:
		return int(binary.LittleEndian.Uint64(rest)), rest[8:]
	case 2:
		return math.Float64frombits(binary.LittleEndian.Uint64(rest)), rest[8:]
	case 3, 4:
		n := binary.LittleEndian.Uint32(rest)
		if tag == 3 {
			return string(rest[4 : 4+n]), rest[4+n:]
		}
		return append([]byte{}, rest[4:4+n]...), rest[4+n:]
	case 5, 6:
		return notSent(binary.LittleEndian.Uint32(rest)), rest[4:]
	default:
		t.Fatalf("a value has the type %d", tag)
		return nil, nil
	}
}

// poolOf is a pool of the bundle with a budget.
func (b *bundle) poolOf(budget sqlite.Budget) *sqlite.Pool {
	return sqlite.NewPool(sqlite.Config{Bundle: fs.ReadOnly(b.root, fs.Shared{}), MaxValue: maxValue, Budget: budget})
}

// functionParams are the letters of the parameters of each function.
func functionParams() map[string]string {
	_, params := sqlite.Functions()
	return params
}
