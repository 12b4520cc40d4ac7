package handler_test

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/spacewasm/spacewasm/wasi/internal/handler"
)

// FuzzCalls makes any calls with any parameters: each returns or traps, and in the
// end there is a response or an error.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0}, "hello")
	f.Add([]byte{16, 1, 0, 5, 0, 12, 1, 0, 3, 0}, "a\x00b\r\n")
	f.Fuzz(func(t *testing.T, calls []byte, memory string) {
		g := newGuest(t, newRequest(), http.HandlerFunc(next))
		names := []string{}
		for name := range g.ExportedFunctionDefinitions() {
			if name != handler.HandleRequest && name != handler.HandleResponse {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		g.Memory().WriteString(0, memory[:min(len(memory), 1<<10)])
		step := func() {
			for len(calls) > 5 && g.x.Err() == nil {
				name := names[int(calls[0])%len(names)]
				params := make([]uint64, len(g.ExportedFunctionDefinitions()[name].ParamTypes()))
				for i := range params {
					params[i] = uint64(binary.LittleEndian.Uint16(calls[1:]) >> (3 * i))
				}
				over := calls[0] > 200
				calls = calls[5:]
				if _, err := g.try(name, params...); err != nil && strings.Contains(err.Error(), "runtime error") {
					t.Fatalf("%s%v: %v", name, params, err)
				}
				if over {
					return
				}
			}
		}
		if err := g.run(step, step); err == nil {
			if err := g.x.Close(); err == nil && (g.rec.Code < 200 || g.rec.Code > 599) {
				t.Errorf("answered %d", g.rec.Code)
			}
		}
	})
}
