package project

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	errUnclosed = errors.New("a [ is not closed")
	errDangling = errors.New("nothing follows the last backslash")
)

// translate makes a regular expression of a pattern of gitignore(5), which is matched
// in linear time whatever the pattern.
func translate(pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); {
		switch pattern[i] {
		case '*':
			stars := len(pattern[i:]) - len(strings.TrimLeft(pattern[i:], "*"))
			text, used := translateStars(pattern, i, stars)
			b.WriteString(text)
			i += used
		case '?':
			b.WriteString("[^/]")
			i++
		case '[':
			set, used, err := translateSet(pattern[i:])
			if err != nil {
				return "", err
			}
			b.WriteString(set)
			i += used
		case '\\':
			if i++; i == len(pattern) {
				return "", errDangling
			}
			fallthrough
		default:
			_, size := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+size]))
			i += size
		}
	}
	return b.String(), nil
}

// translateStars translates the stars at a place of the pattern: two that stand alone
// between slashes are any folders, others any characters of one name.
func translateStars(pattern string, at, stars int) (text string, used int) {
	rest := pattern[at+stars:]
	alone := (at == 0 || pattern[at-1] == '/') && (rest == "" || rest[0] == '/')
	switch {
	case stars < 2 || !alone:
		return "[^/]*", stars
	case rest == "":
		return ".*", stars
	default:
		return "(?:.*/)?", stars + 1
	}
}

// translateSet translates a set such as [a-z], which never matches a slash.
func translateSet(pattern string) (text string, used int, err error) {
	i := 1
	negated := i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^')
	if negated {
		i++
	}
	var b strings.Builder
	for first := i; ; {
		if i >= len(pattern) {
			return "", 0, errUnclosed
		}
		if pattern[i] == ']' && i > first {
			break
		}
		if name, ok := setClass(pattern[i:]); ok {
			b.WriteString(name)
			i += len(name)
			continue
		}
		low, size, err := setRune(pattern[i:])
		if err != nil {
			return "", 0, err
		}
		i += size
		high := low
		if rest := pattern[i:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			if high, size, err = setRune(rest[1:]); err != nil {
				return "", 0, err
			}
			i += 1 + size
		}
		writeRange(&b, low, high)
	}
	set := b.String()
	switch {
	case negated:
		return "[^/" + set + "]", i + 1, nil
	case set == "":
		return `[^\x00-\x{10FFFF}]`, i + 1, nil
	default:
		return "[" + set + "]", i + 1, nil
	}
}

// setClass reads a class such as [:alpha:] within a set.
func setClass(s string) (string, bool) {
	class := regexp.MustCompile(`^\[:(alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit):\]`).FindString(s)
	return class, class != ""
}

// setRune reads one character of a set.
func setRune(s string) (r rune, size int, err error) {
	if s[0] != '\\' {
		r, size = utf8.DecodeRuneInString(s)
		return r, size, nil
	}
	if len(s) < 2 {
		return 0, 0, errDangling
	}
	r, size = utf8.DecodeRuneInString(s[1:])
	return r, size + 1, nil
}

// writeRange writes a range of a set without the slash; one that runs backwards holds
// nothing.
func writeRange(b *strings.Builder, low, high rune) {
	if low <= '/' && high >= '/' {
		writeRange(b, low, '/'-1)
		writeRange(b, '/'+1, high)
		return
	}
	if low <= high {
		fmt.Fprintf(b, `\x{%X}-\x{%X}`, low, high)
	}
}
