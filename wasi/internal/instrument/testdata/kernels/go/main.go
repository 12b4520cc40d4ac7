// Command kernels is a guest of the benchmarks: small programs as Micros do them, one to an export. Each runs its work n
// times and returns a checksum, so that two builds of it can be compared.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"strings"
)

func main() {}

type record struct {
	Name string         `json:"name"`
	Tags []string       `json:"tags"`
	More map[string]int `json:"more"`
	Size float64        `json:"size"`
}

//go:wasmexport json
func jsonKernel(n int32) int64 {
	text := []byte(`[` + strings.Repeat(`{"name":"a \"quoted\" name","tags":["x","y","z"],"more":{"a":1,"b":2},"size":1.5},`, 20) + `{}]`)
	var sum int64
	for range n {
		var records []record
		if json.Unmarshal(text, &records) != nil {
			return -1
		}
		out, _ := json.Marshal(records)
		sum += int64(crc32.ChecksumIEEE(out))
	}
	return sum
}

//go:wasmexport sha256
func sha256Kernel(n int32) int64 {
	data := make([]byte, 16<<10)
	var sum [32]byte
	for range n {
		sum = sha256.Sum256(data)
		copy(data, sum[:])
	}
	return int64(crc32.ChecksumIEEE(sum[:]))
}

//go:wasmexport sort
func sortKernel(n int32) int64 {
	var sum int64
	values := make([]int, 5000)
	for round := range n {
		x := uint32(round + 1)
		for i := range values {
			x = x*1664525 + 1013904223
			values[i] = int(x >> 8)
		}
		slices.Sort(values)
		sum += int64(values[100])
	}
	return sum
}

//go:wasmexport regexp
func regexpKernel(n int32) int64 {
	re := regexp.MustCompile(`([a-z]+)@([a-z]+)\.(com|org)`)
	text := strings.Repeat("write to someone@example.org or else to nobody at all; ", 40)
	var sum int64
	for range n {
		sum += int64(len(re.FindAllStringSubmatch(text, -1)))
	}
	return sum
}

//go:wasmexport gzip
func gzipKernel(n int32) int64 {
	text := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog, and again: ", 400))
	var sum int64
	for range n {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(text)
		_ = w.Close()
		r, err := gzip.NewReader(&packed)
		if err != nil {
			return -1
		}
		back, _ := io.ReadAll(r)
		sum += int64(crc32.ChecksumIEEE(back))
	}
	return sum
}

func fib(n int32) int64 {
	if n < 2 {
		return int64(n)
	}
	return fib(n-1) + fib(n-2)
}

//go:wasmexport recursion
func recursionKernel(n int32) int64 {
	var sum int64
	for range n {
		sum += fib(24)
	}
	return sum
}

//go:wasmexport matrix
func matrixKernel(n int32) int64 {
	const size = 96
	var a, b, c [size][size]float64
	for i := range size {
		for j := range size {
			a[i][j], b[i][j] = float64(i+j), float64(i-j)
		}
	}
	for range n {
		for i := range size {
			for j := range size {
				var sum float64
				for k := range size {
					sum += a[i][k] * b[k][j]
				}
				c[i][j] = sum
			}
		}
		a[0][0] += c[1][1] / 1e9
	}
	return int64(c[size-1][size-2])
}

// deepKernel is no benchmark: it goes as deep as encoding/json allows.
//
//go:wasmexport deep
func deepKernel(n int32) int64 {
	var v any
	if err := json.Unmarshal([]byte(strings.Repeat("[", int(n))+strings.Repeat("]", int(n))), &v); err != nil {
		return -1
	}
	out, err := json.Marshal(v)
	if err != nil {
		return -2
	}
	return int64(len(out))
}
