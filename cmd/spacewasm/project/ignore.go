package project

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

const (
	// IgnoreName is the file that says what of a project is not packed.
	IgnoreName = ".spaceignore"
	// EnvName is the file that has variables' values while a project is worked on. It is
	// never packed, and no build is begun for it.
	EnvName = ".env"
	// NeverPacked are histories, what package managers fetch again, secrets, and a
	// server's own data: left out, at any depth.
	NeverPacked = ".git .hg .svn node_modules __pycache__ venv .venv .env .env.*\nspacewasm-data .space .DS_Store Discovery.md " + IgnoreName
	// BuildOutput is what tools make: left out where nobody asks for it. A Micro's
	// module, what `include` names, and the folder that is served are asked for.
	BuildOutput = "dist build target .output .next .nuxt .svelte-kit coverage .nyc_output"
)

// rule is one line of a file in the syntax of gitignore(5).
type rule struct {
	pattern  string
	line     int // in the project's .spaceignore; 0 for a rule of ours
	again    bool
	dirOnly  bool
	anchored bool
	literal  string         // of a pattern that is a plain name or path, "" else
	match    *regexp.Regexp // of the others
}

// rules are the lines in force; of those that match a path the last one counts.
type rules []rule

// ourRules makes rules of the patterns that hold in every project.
func ourRules(lists ...string) rules {
	var all rules
	for _, list := range lists {
		for pattern := range strings.FieldsSeq(list) {
			// These are well formed.
			r, _ := parseRule(pattern)
			all = append(all, *r)
		}
	}
	return all
}

// parseRules reads a .spaceignore; what cannot be read is a fault.
func parseRules(text string) (rules, []space.Fault) {
	var all rules
	var faults []space.Fault
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		number++
		r, err := parseRule(strings.TrimRight(line, "\r\n"))
		if err != nil {
			faults = append(faults, space.Fault{File: IgnoreName, Line: number, Message: err.Error()})
		}
		if r != nil {
			r.line = number
			all = append(all, *r)
		}
	}
	return all, faults
}

// parseRule reads a line; a blank one and a comment are nil.
func parseRule(line string) (*rule, error) {
	pattern := trimBlanks(line)
	if pattern == "" || pattern[0] == '#' {
		return nil, nil
	}
	r := &rule{pattern: pattern}
	pattern, r.again = strings.CutPrefix(pattern, "!")
	pattern, r.dirOnly = strings.CutSuffix(pattern, "/")
	r.anchored = strings.Contains(pattern, "/")
	pattern = strings.TrimPrefix(pattern, "/")
	if pattern == "" {
		return nil, fmt.Errorf("%q names nothing", line)
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		r.literal = pattern
		return r, nil
	}
	expression, err := translate(pattern)
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %w", line, err)
	}
	r.match, err = regexp.Compile("^" + expression + "$")
	if err != nil {
		return nil, fmt.Errorf("%q is no pattern: %w", line, err)
	}
	return r, nil
}

// trimBlanks takes the blanks off the end of a line, but for one behind a backslash.
func trimBlanks(line string) string {
	short := strings.TrimRight(line, " ")
	slashes := len(short) - len(strings.TrimRight(short, `\`))
	if slashes%2 == 1 && len(short) < len(line) {
		short += " "
	}
	return short
}

func (r *rule) matches(s string) bool {
	if r.match == nil {
		return s == r.literal
	}
	return r.match.MatchString(s)
}

// last finds the rule that decides on a path, nil if none says anything of it.
func (all rules) last(path string, dir bool) *rule {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for i := len(all) - 1; i >= 0; i-- {
		r := &all[i]
		subject := name
		if r.anchored {
			subject = path
		}
		if (dir || !r.dirOnly) && r.matches(subject) {
			return r
		}
	}
	return nil
}

// drops finds the rule that leaves a path out, nil if it is packed: what lies in a
// folder that is left out is, too, whatever is said of itself.
func (all rules) drops(path string, dir bool) *rule {
	return dropped(path, dir, func(string) rules { return all })
}

// dropped is drops with the rules that are in force for each folder on the way.
func dropped(path string, dir bool, force func(string) rules) *rule {
	for i := range len(path) + 1 {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if r := force(path[:i]).last(path[:i], dir || i < len(path)); r != nil && !r.again {
			return r
		}
	}
	return nil
}
