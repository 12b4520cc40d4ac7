package bench

import (
	"math"
	"slices"
	"time"

	"golang.org/x/perf/benchmath"

	"github.com/spacewasm/spacewasm/bench/record"
)

// Sample is measurements of one thing.
type Sample struct{ times []time.Duration }

// Add adds a measurement.
func (s *Sample) Add(d time.Duration) { s.times = append(s.times, d) }

// Count is the number of measurements.
func (s *Sample) Count() int { return len(s.times) }

// Sum is all of them together.
func (s *Sample) Sum() time.Duration {
	var sum time.Duration
	for _, d := range s.times {
		sum += d
	}
	return sum
}

// Quantile returns the smallest measurement that at least the share q of all does not
// exceed (nearest rank); 0 of none.
func (s *Sample) Quantile(q float64) time.Duration {
	if len(s.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.times))
	rank := int(math.Ceil(q * float64(len(sorted))))
	return sorted[min(max(rank-1, 0), len(sorted)-1)]
}

// Histogram sorts the measurements into so many buckets, whose bounds grow by the same
// factor.
func (s *Sample) Histogram(buckets int) []record.Bucket {
	if len(s.times) == 0 || buckets < 1 {
		return nil
	}
	least, most := max(slices.Min(s.times), 1), max(slices.Max(s.times), 1)+1
	step := math.Pow(float64(most)/float64(least), 1/float64(buckets))
	list := make([]record.Bucket, buckets)
	for i := range list {
		list[i].From = time.Duration(float64(least) * math.Pow(step, float64(i)))
		list[i].To = time.Duration(float64(least) * math.Pow(step, float64(i+1)))
	}
	list[0].From, list[buckets-1].To = least, most
	for i := 1; i < buckets; i++ {
		list[i].From = list[i-1].To
	}
	for _, d := range s.times {
		i, _ := slices.BinarySearchFunc(list, max(d, 1), func(b record.Bucket, d time.Duration) int {
			if b.To <= d {
				return -1
			}
			return 1
		})
		list[min(i, buckets-1)].Count++
	}
	return list
}

// significance is how small P has to be. Several stages are compared at a time, and
// each would be found to differ once in a thousand times.
const significance = 0.001

// Compare compares two samples that were measured in turns.
func Compare(a, b *Sample) record.Verdict {
	v := record.Verdict{Ratio: float64(a.Quantile(0.5)) / float64(max(b.Quantile(0.5), 1)), P: 1}
	if a.Count() == 0 || b.Count() == 0 {
		return v
	}
	values := func(s *Sample) *benchmath.Sample {
		list := make([]float64, len(s.times))
		for i, d := range s.times {
			list[i] = float64(d)
		}
		return benchmath.NewSample(list, &benchmath.Thresholds{CompareAlpha: significance})
	}
	v.P = benchmath.AssumeNothing.Compare(values(a), values(b)).P
	v.Differ = v.P < significance
	return v
}
