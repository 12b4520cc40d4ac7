package project

import "github.com/spacewasm/spacewasm/host/space"

// What the tests know of times and counts.
const (
	Settle   = settle
	Patience = patience
)

// Rules are what a .spaceignore says.
type Rules struct{ rules }

// ParseRules reads a .spaceignore.
func ParseRules(text string) (Rules, []space.Fault) {
	all, faults := parseRules(text)
	return Rules{all}, faults
}

// Drops is the pattern that leaves a file out, "" if it is packed.
func (r Rules) Drops(path string) string {
	if dropped := r.drops(path, false); dropped != nil {
		return dropped.pattern
	}
	return ""
}

// Lines are those of the text that say something.
func (r Rules) Lines() []int {
	var lines []int
	for _, one := range r.rules {
		lines = append(lines, one.line)
	}
	return lines
}
