package bench_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spacewasm/spacewasm/bench"
	"github.com/spacewasm/spacewasm/bench/record"
)

func sample(times ...time.Duration) *bench.Sample {
	s := &bench.Sample{}
	for _, d := range times {
		s.Add(d)
	}
	return s
}

func TestQuantile(t *testing.T) {
	s := sample(5, 1, 4, 2, 3)
	for q, want := range map[float64]time.Duration{0: 1, 0.2: 1, 0.21: 2, 0.5: 3, 0.9: 5, 0.99: 5, 1: 5} {
		if got := s.Quantile(q); got != want {
			t.Errorf("of %v: %v, want %v", q, got, want)
		}
	}
	if got := sample().Quantile(0.5); got != 0 {
		t.Errorf("of none: %v", got)
	}
}

// Each measurement is in the one bucket whose bounds it is within.
func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, 1<<40), 1, 100).Draw(t, "times")
		s := sample()
		for _, d := range times {
			s.Add(time.Duration(d))
		}
		buckets := s.Histogram(rapid.IntRange(1, 40).Draw(t, "buckets"))
		for i, b := range buckets {
			n := 0
			for _, d := range times {
				if d := max(time.Duration(d), 1); d >= b.From && d < b.To {
					n++
				}
			}
			if n != b.Count || i > 0 && buckets[i-1].To != b.From {
				t.Fatalf("bucket %d of %v: %+v has %d", i, buckets, b, n)
			}
		}
	})
	if got := sample().Histogram(10); got != nil {
		t.Errorf("of none: %v", got)
	}
}

// Samples of one distribution are not told apart, and those of two are.
func TestCompare(t *testing.T) {
	noise := func(center float64) *bench.Sample {
		random := rand.New(rand.NewPCG(1, uint64(center)))
		s := sample()
		for range 200 {
			s.Add(time.Duration(center * (1 + 0.1*random.NormFloat64())))
		}
		return s
	}
	if v := bench.Compare(noise(1e6), noise(1e6+1)); v.Differ || v.P < 0.001 {
		t.Errorf("the same: %+v", v)
	}
	faster := bench.Compare(noise(0.9e6), noise(1e6))
	if !faster.Differ || faster.Ratio > 0.95 || !strings.Contains(faster.Words(), "the first is 1.") {
		t.Errorf("faster: %+v %s", faster, faster.Words())
	}
	if v := bench.Compare(noise(1e6), noise(0.9e6)); !v.Differ || !strings.Contains(v.Words(), "the second is 1.") {
		t.Errorf("slower: %+v %s", v, v.Words())
	}
	for _, s := range []*bench.Sample{sample(), sample(1)} {
		if v := bench.Compare(s, noise(1e6)); v.Differ {
			t.Errorf("of too few: %+v", v)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 ns", 999: "999 ns", 1000: "1.00 µs", 12345: "12.3 µs", 999_400: "999 µs", 1_500_000: "1.50 ms", 61 * time.Second: "61.0 s",
	} {
		if got := record.Duration(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}
