// Package machine tells what the machine has for this process: memory, open files
// and mappings.
package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Memory is how many bytes the process may have: what the machine has, or less
// if a control group (cgroup, version 1 or 2) of the process, or one above it,
// says so. root is the machine's root, as [os.DirFS]("/"). Where it cannot be
// found out, as on other systems than Linux, an error says so.
func Memory(root fs.FS) (int64, error) {
	text, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("find out the machine's memory: %w", err)
	}
	memory, ok := total(string(text))
	if !ok {
		return 0, errors.New("find out the machine's memory: /proc/meminfo has no line MemTotal")
	}
	// A process without cgroups may have all.
	groups, _ := fs.ReadFile(root, "proc/self/cgroup")
	mounts, _ := fs.ReadFile(root, "proc/self/mountinfo")
	for _, h := range hierarchies(string(mounts)) {
		if group, ok := h.group(string(groups)); ok {
			memory = h.least(root, group, memory)
		}
	}
	return memory, nil
}

// total reads the line "MemTotal: 24684416 kB".
func total(meminfo string) (int64, bool) {
	for line := range strings.Lines(meminfo) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == "MemTotal:" && words[2] == "kB" {
			n, err := strconv.ParseInt(words[1], 10, 53)
			return n << 10, err == nil && n > 0
		}
	}
	return 0, false
}

// hierarchy is a tree of cgroups that bounds memory.
type hierarchy struct {
	mount string // where it is mounted, without the leading slash
	root  string // the cgroup that is at the mount's top
	file  string // that holds a cgroup's limit
	v2    bool
}

// hierarchies finds them in /proc/self/mountinfo (proc_pid_mountinfo(5)).
func hierarchies(mountinfo string) []hierarchy {
	var all []hierarchy
	for line := range strings.Lines(mountinfo) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if len(left) < 5 || len(right) < 3 {
			continue
		}
		h := hierarchy{mount: strings.TrimPrefix(unescape(left[4]), "/"), root: unescape(left[3])}
		switch {
		case right[0] == "cgroup2":
			h.file, h.v2 = "memory.max", true
		case right[0] == "cgroup" && has(right[2], "memory"):
			h.file = "memory.limit_in_bytes"
		default:
			continue
		}
		all = append(all, h)
	}
	return all
}

// unescape undoes what mountinfo does to spaces and the like.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// has tells whether a comma-separated list has a word.
func has(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// group finds the process's cgroup of the hierarchy in /proc/self/cgroup
// (cgroups(7)), whose lines are as "4:memory:/a" in version 1 and "0::/a" in 2.
func (h hierarchy) group(groups string) (string, bool) {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) == 3 && (h.v2 && parts[0] == "0" && parts[1] == "" || !h.v2 && has(parts[1], "memory")) {
			return parts[2], true
		}
	}
	return "", false
}

// least is the least of memory and the limits of a cgroup and of those above it,
// as far up as the mount shows them.
func (h hierarchy) least(root fs.FS, group string, memory int64) int64 {
	// In a container the mount's top is the container's own cgroup, which the
	// process may know by its name outside, or as "/".
	within, ok := strings.CutPrefix(group, strings.TrimSuffix(h.root, "/"))
	if !ok {
		within = group
	}
	for dir := path.Clean("/" + within); ; dir = path.Dir(dir) {
		text, err := fs.ReadFile(root, path.Join(h.mount, dir, h.file))
		// "max" is no number, and no limit.
		if n, bad := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64); err == nil && bad == nil && n > 0 {
			memory = min(memory, n)
		}
		if dir == "/" {
			return memory
		}
	}
}
