package binary_test

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/spacewasm/spacewasm/wasi/internal/binary"
)

// FuzzScan holds that Scan neither panics nor returns anything but an outline or an [binary.Error] with a place.
func FuzzScan(f *testing.F) {
	f.Add(rich())
	f.Add(made())
	for _, test := range malformed() {
		f.Add(test.module)
	}
	for _, test := range hostile() {
		if len(test.module) < 1000 {
			f.Add(test.module)
		}
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		p := binary.ReadProvenance(module)
		for _, producer := range append(p.Languages, p.Tools...) {
			if !utf8.ValidString(producer.Name+producer.Version) || len(producer.Name+producer.Version) > 400 {
				t.Fatalf("a producer is %q", producer)
			}
		}
		outline, err := binary.Scan(module, binary.DefaultLimits())
		if err != nil {
			var fault *binary.Error
			if !errors.As(err, &fault) || fault.Code == "" || fault.Message == "" {
				t.Fatalf("unexpected error %#v", err)
			}
			if fault.Offset < 0 || fault.Offset > len(module) {
				t.Fatalf("offset %d lies outside of the module's %d bytes", fault.Offset, len(module))
			}
			return
		}
		checkSound(t, outline)
	})
}

// checkSound checks what callers rely on without looking: that every function has a type.
func checkSound(t *testing.T, o *binary.Outline) {
	t.Helper()
	imported := 0
	for _, i := range o.Imports {
		if i.Kind == binary.KindFunc {
			imported++
		}
	}
	for i := range imported + o.Functions {
		if _, ok := o.FuncType(uint32(i)); !ok {
			t.Fatalf("function %d has no type", i)
		}
	}
	if _, ok := o.FuncType(uint32(imported + o.Functions)); ok {
		t.Fatal("there is a type for a function beyond the last")
	}
}

// FuzzDecode holds that Decode accepts what Scan does, and that what it took apart is whole.
func FuzzDecode(f *testing.F) {
	f.Add(rich())
	for _, test := range malformed() {
		f.Add(test.module)
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		_, err := binary.Scan(module, binary.DefaultLimits())
		if err == nil {
			checkModule(t, module)
			return
		}
		if _, again := binary.Decode(module, binary.DefaultLimits()); again == nil || again.Error() != err.Error() {
			t.Fatalf("Scan: %v, Decode: %v", err, again)
		}
	})
}
