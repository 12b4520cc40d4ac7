package project

import (
	"path"
	"strings"

	"github.com/spacewasm/spacewasm/host/space"
)

// verdict is what becomes of a path when a project is packed.
type verdict int

const (
	out   verdict = iota // it stays
	leads                // a folder on the way to what is packed
	in
)

// selection is what one Micro packs of a project.
type selection struct {
	folder string // the Micro's, or the one that it serves; "." is the project
	// module is always packed, whatever our own rules say; "" where there is none.
	module string
	// include are the patterns below the folder of what is packed, in their parts, and
	// met tells which have matched; nil is all.
	include [][]string
	met     []bool
	own     rules // of the project's .spaceignore
	all     rules // with ours before them
}

// selectMicro says what a Micro packs. folder is what a static one serves, "" where
// there is none yet.
func selectMicro(spec space.MicroSpec, folder string, own rules) selection {
	s := selection{folder: spec.Src, own: own}
	ours := []string{NeverPacked}
	switch {
	case spec.Engine.IsStatic():
		s.folder = folder
	default:
		s.module = path.Join(spec.Src, spec.Run[0])
		if spec.Include == nil {
			ours = append(ours, BuildOutput)
		}
	}
	for _, pattern := range spec.Include {
		if pattern == "." {
			s.include = nil
			break
		}
		s.include = append(s.include, strings.Split(pattern, "/"))
	}
	s.met = make([]bool, len(s.include))
	s.all = append(ourRules(ours...), own...)
	return s
}

// judge decides on a path. A folder that leads to the module or to the Micro's own is
// not for our rules to drop.
func (s *selection) judge(name string, dir bool) verdict {
	switch {
	case s.folder == "":
		return out
	case name == s.module && s.dropped(name, dir) == nil:
		s.included(name)
		return in
	case within(name, s.folder):
		if v := s.included(name); v == in && s.dropped(name, dir) == nil || v == leads && dir {
			return v
		}
	case dir && within(s.folder, name):
		return leads
	}
	if dir && s.module != "" && within(s.module, name) {
		return leads
	}
	return out
}

// dropped finds the rule that leaves a path out.
func (s *selection) dropped(name string, dir bool) *rule {
	return dropped(name, dir, func(part string) rules {
		if within(s.folder, part) || name == s.module {
			return s.own
		}
		return s.all
	})
}

// included tells whether the Micro's include takes a path below its folder.
func (s *selection) included(name string) verdict {
	if s.include == nil {
		return in
	}
	parts := strings.Split(relative(name, s.folder), "/")
	if name == s.folder {
		parts = nil
	}
	best := out
	for i, pattern := range s.include {
		v := matchParts(pattern, parts)
		if v == in {
			s.met[i] = true
		}
		best = max(best, v)
	}
	return best
}

// matchParts holds a path against a pattern, part by part: it is in if the pattern
// matches it or a folder above it.
func matchParts(pattern, parts []string) verdict {
	for i, part := range parts {
		if i == len(pattern) {
			break
		}
		// The parser has refused patterns that are not well formed.
		if match, err := path.Match(pattern[i], part); err != nil || !match {
			return out
		}
	}
	if len(parts) < len(pattern) {
		return leads
	}
	return in
}

// within tells whether name is the folder or lies in it.
func within(name, folder string) bool {
	return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
}

// relative is the path of what lies in folder from there.
func relative(name, folder string) string {
	if folder == "." {
		return name
	}
	return strings.TrimPrefix(name, folder+"/")
}
