package static

import (
	"strconv"
	"strings"
)

// accepted is what a client says of content codings (RFC 9110 section 12.5.3).
type accepted []string

// quality is how much the client wants a coding, from 0, which is not at all. That
// of "identity" is what the client says of it by name: it is the last resort.
func (a accepted) quality(coding string) float64 {
	rest := 0.0 // what * says
	for _, line := range a {
		for item := range strings.SplitSeq(line, ",") {
			name, parameters, _ := strings.Cut(item, ";")
			name = strings.TrimSpace(name)
			switch {
			case strings.EqualFold(name, coding) || (coding == "gzip" && strings.EqualFold(name, "x-gzip")):
				return weight(parameters)
			case name == "*" && coding != "identity":
				rest = weight(parameters)
			}
		}
	}
	return rest
}

// weight reads a parameter q; one that is none counts as 0.
func weight(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if !strings.EqualFold(name, "q") {
			continue
		}
		q, err := strconv.ParseFloat(value, 64)
		if err != nil || !(q >= 0 && q <= 1) { // which NaN is not
			return 0
		}
		return q
	}
	return 1
}

// pick returns the form of a file that the client likes best. Parts are not asked
// of a form that is made as it is wanted.
func (f *file) pick(accept accepted, ranged bool) *form {
	best, liked := f.whole, accept.quality("identity")
	for _, form := range f.coded {
		if form.made && (ranged || f.dense.Load()) {
			continue
		}
		q := accept.quality(form.coding)
		if q > liked || (q > 0 && q == liked && best == f.whole) {
			best, liked = form, q
		}
	}
	return best
}
