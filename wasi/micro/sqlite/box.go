package sqlite

import (
	"database/sql/driver"
	"unsafe"
)

// slab makes interfaces of values without an allocation for each: they point to places of
// an array, each of which is used once.
type slab[T any] struct{ free []T }

// slabValues is how many values an array has.
const slabValues = 64

// box makes an interface of a value.
func (s *slab[T]) box(v T) driver.Value {
	if len(s.free) == 0 {
		s.free = make([]T, slabValues)
	}
	place := &s.free[0]
	s.free = s.free[1:]
	*place = v
	var like any = *new(T) // whose type, the first of its two words, is what is wanted
	words := (*[2]unsafe.Pointer)(unsafe.Pointer(&like))
	words[1] = unsafe.Pointer(place)
	return like
}

// boxes are those of a connection.
type boxes struct {
	integers slab[int64]
	floats   slab[float64]
	texts    slab[string]
}
