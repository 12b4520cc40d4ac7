package main

import (
	"errors"
	"math"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
)

// size is a flag's number of bytes, written as 512MiB, 5.5MiB or 1000.
type size int64

var _ pflag.Value = (*size)(nil)

// String is "0" for none, which the help text takes for no default.
func (s *size) String() string {
	if *s <= 0 {
		return "0"
	}
	return humanize.IBytes(uint64(*s))
}

func (s *size) Set(text string) error {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return errors.New("want a size such as 512MiB or 5.5MiB")
	}
	*s = size(n)
	return nil
}

func (s *size) Type() string { return "size" }
