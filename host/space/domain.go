package space

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode"
)

// Domain is a host of an owner's own at which an app answers beside its built-in one: in
// lower case, without a dot at its end, in ASCII as browsers send it. The zero value is
// invalid.
type Domain string

// AppDomain is a domain at which an app answers.
type AppDomain struct {
	Host Domain
	App  AppName
	// Key is the app's, by which it is told from a later one of its name.
	Key string
	// Heir says that another app, or the platform, answered there before, of which browsers
	// may keep something.
	Heir bool
	// Created is since when the app answers there, and no two such times of a host have it
	// in common. UTC, to the millisecond.
	Created time.Time
	// Shadowed is since when the host is the platform's own, and does not count as a domain;
	// zero while it does.
	Shadowed time.Time
}

const (
	maxDomain = 253 // characters, without the dot at the end (RFC 1035 section 2.3.4)
	maxLabel  = 63
	// maxQuoted is how much of a text that is no domain an error repeats.
	maxQuoted = 80
)

// ParseDomain checks a host name and brings it to its one form. It takes names as DNS has
// them (RFC 1123 section 2.1), of two labels at least: no address, no port, no wildcard,
// and nothing that means this machine.
func ParseDomain(text string) (Domain, error) {
	name := strings.TrimSuffix(text, ".")
	if why := domainFault(name); why != "" {
		return "", fmt.Errorf("domain %.*q: %s", maxQuoted, text, why)
	}
	return Domain(strings.ToLower(name)), nil
}

// domainFault says what is wrong with a name, "" if nothing is.
func domainFault(name string) string {
	// Before the case, as there are letters whose lower case is in ASCII.
	if strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "write other letters than a-z as browsers send them: \"xn--bcher-kva.example\" is \"bücher.example\""
	}
	name = strings.ToLower(name)
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return "want a name, and no address"
	}
	if strings.ContainsAny(name, ":/?#@ ") {
		return "want a host name alone, such as shop.example.org: no https://, no port, no path"
	}
	if len(name) > maxDomain {
		return fmt.Sprintf("want at most %d characters", maxDomain)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return fmt.Sprintf("between its dots want 1 to %d letters, digits and inner hyphens", maxLabel)
		}
	}
	last := labels[len(labels)-1]
	switch {
	case last == "localhost":
		return "localhost is this machine, for whoever asks"
	case len(labels) < 2:
		return "want two labels at least, such as shop.example.org"
	case isNumber(last): // browsers take it for an address (URL Standard section 3.5)
		return "want a name, and no address: the last label is a number"
	}
	return ""
}

// isLabel tells whether a text in lower case is a label of a host name.
func isLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(label, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
	})
}

// isNumber tells whether browsers read a label as a number.
func isNumber(label string) bool {
	digits, hex := strings.CutPrefix(label, "0x")
	return !strings.ContainsFunc(digits, func(r rune) bool {
		return (r < '0' || r > '9') && (!hex || r < 'a' || r > 'f')
	})
}

// IsWithin tells whether the domain is a host, which is in lower case, or below it.
func (d Domain) IsWithin(host string) bool {
	return string(d) == host || strings.HasSuffix(string(d), "."+host)
}
