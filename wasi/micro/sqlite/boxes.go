package sqlite

import (
	"database/sql/driver"
	"unsafe"
)

// boxes are where values are that rows hand out. Go makes an allocation of each value that
// becomes an interface; here many are made at once, where many rows are to come.
type boxes struct {
	integers []int64
	floats   []float64
	texts    []string
}

// boxCount is how many are made at once. A value that is kept keeps so many.
const boxCount = 64

func (b *boxes) integer(v int64, rows int) driver.Value { return box(&b.integers, v, rows) }

func (b *boxes) float(v float64, rows int) driver.Value { return box(&b.floats, v, rows) }

func (b *boxes) text(v string, rows int) driver.Value { return box(&b.texts, v, rows) }

// box returns a value as an interface whose word for the data points into a slice that
// nothing else of is changed any more.
func box[T any](from *[]T, v T, rows int) driver.Value {
	if len(*from) == 0 {
		if rows < boxCount/8 {
			return v
		}
		*from = make([]T, boxCount)
	}
	p := &(*from)[0]
	*p, *from = v, (*from)[1:]
	var zero T
	boxed := driver.Value(zero)
	(*iface)(unsafe.Pointer(&boxed)).data = unsafe.Pointer(p)
	return boxed
}

// iface is how Go has an interface that is empty: its type, and where the value is.
type iface struct{ kind, data unsafe.Pointer }
