package record

import (
	"math"
	"time"
)

// Scale is a logarithmic axis of time, from one power of ten nanoseconds to another.
type Scale struct {
	lower, upper float64 // exponents
	from, to     float64
}

// NewScale returns an axis that has room for two times and what is between, and goes from one
// coordinate to another.
func NewScale(least, most time.Duration, from, to float64) Scale {
	return Scale{
		lower: math.Floor(math.Log10(float64(max(least, 1)))), upper: math.Ceil(math.Log10(float64(max(most, 1)))), from: from, to: to,
	}
}

// At is where a time is.
func (s Scale) At(d time.Duration) float64 {
	share := (math.Log10(float64(max(d, 1))) - s.lower) / max(s.upper-s.lower, 1)
	return s.from + share*(s.to-s.from)
}

// Ticks are the powers of ten.
func (s Scale) Ticks() []time.Duration {
	var list []time.Duration
	for e := s.lower; e <= s.upper; e++ {
		list = append(list, time.Duration(math.Pow(10, e)))
	}
	return list
}
