package machine

import (
	"io/fs"
	"strconv"
	"strings"
)

// Mappings is how many memory mappings the process may have (vm.max_map_count of
// proc_sys_vm(5)); where that is not known, what Linux allows unless told
// otherwise.
func Mappings(root fs.FS) int64 {
	const usual = 65530
	text, err := fs.ReadFile(root, "proc/sys/vm/max_map_count")
	if err != nil {
		return usual
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n <= 0 {
		return usual
	}
	return n
}
