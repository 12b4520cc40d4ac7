package machine_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/spacewasm/spacewasm/host/machine"
)

const (
	meminfo = "MemTotal:       1048576 kB\nMemFree:         10000 kB\n" // 1 GiB
	mountV2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 none rw,nsdelegate\n"
	mountV1 = "31 30 0:28 / /sys/fs/cgroup/cpu rw - cgroup none rw,cpu\n" +
		"34 30 0:31 / /sys/fs/cgroup/memory rw - cgroup none rw,memory\n"
)

// T19: the machine's memory is the smaller of physical and the cgroup's, of
// either version, or of one above it.
func TestMemory(t *testing.T) {
	const mib = 1 << 20
	for name, c := range map[string]struct {
		mounts, groups string
		limits         map[string]string // by file below /sys/fs/cgroup
		want           int64
	}{
		"no cgroups":          {want: 1024 * mib},
		"v2, no limit":        {mountV2, "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "max\n"}, 1024 * mib},
		"v2":                  {mountV2, "0::/a/b\n", map[string]string{"a/b/memory.max": "268435456\n", "a/memory.max": "max\n"}, 256 * mib},
		"v2, one above":       {mountV2, "0::/a/b\n", map[string]string{"a/b/memory.max": "max\n", "a/memory.max": "134217728\n"}, 128 * mib},
		"v2, larger":          {mountV2, "0::/a\n", map[string]string{"a/memory.max": "9999999999\n"}, 1024 * mib},
		"v2, namespace":       {mountV2, "0::/\n", map[string]string{"memory.max": "67108864\n"}, 64 * mib},
		"v2, another's":       {mountV2, "0::/a\n", map[string]string{"b/memory.max": "1048576\n"}, 1024 * mib},
		"v2, outer name":      {strings.Replace(mountV2, " / /sys", " /docker/x /sys", 1), "0::/docker/x/y\n", map[string]string{"y/memory.max": "67108864\n"}, 64 * mib},
		"v1":                  {mountV1, "5:cpu:/a\n4:memory:/b\n", map[string]string{"memory/b/memory.limit_in_bytes": "268435456\n", "memory/a/memory.limit_in_bytes": "1\n"}, 256 * mib},
		"v1, no limit":        {mountV1, "4:memory:/b\n", map[string]string{"memory/b/memory.limit_in_bytes": "9223372036854771712\n"}, 1024 * mib},
		"v1, one above":       {mountV1, "4:memory:/b/c\n", map[string]string{"memory/memory.limit_in_bytes": "134217728\n"}, 128 * mib},
		"v1, outer name":      {strings.Replace(mountV1, " / /sys/fs/cgroup/memory", " /docker/x /sys/fs/cgroup/memory", 1), "4:memory:/docker/x\n", map[string]string{"memory/memory.limit_in_bytes": "67108864\n"}, 64 * mib},
		"v1, with others":     {strings.Replace(mountV1, "rw,memory", "rw,cpuacct,memory", 1), "4:cpuacct,memory:/b\n", map[string]string{"memory/b/memory.limit_in_bytes": "67108864\n"}, 64 * mib},
		"v1 and v2, both say": {mountV1 + mountV2, "4:memory:/b\n0::/a\n", map[string]string{"memory/b/memory.limit_in_bytes": "268435456", "a/memory.max": "134217728"}, 128 * mib},
		"nonsense":            {mountV2 + " - cgroup2\nx - y\n", "0::/../../a\n::\nx\n", map[string]string{"a/memory.max": "-1", "memory.max": "many"}, 1024 * mib},
	} {
		t.Run(name, func(t *testing.T) {
			root := fstest.MapFS{"proc/meminfo": {Data: []byte(meminfo)}}
			if c.mounts != "" {
				root["proc/self/mountinfo"] = &fstest.MapFile{Data: []byte(c.mounts)}
				root["proc/self/cgroup"] = &fstest.MapFile{Data: []byte(c.groups)}
			}
			for file, text := range c.limits {
				root["sys/fs/cgroup/"+file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got, err := machine.Memory(root); got != c.want || err != nil {
				t.Errorf("got %d MiB, %v, want %d", got/mib, err, c.want/mib)
			}
		})
	}
}

func TestMemoryUnknown(t *testing.T) {
	for name, root := range map[string]fstest.MapFS{
		"no file": {},
		"no line": {"proc/meminfo": {Data: []byte("MemFree: 1 kB\n")}},
		"no size": {"proc/meminfo": {Data: []byte("MemTotal: much kB\n")}},
	} {
		if got, err := machine.Memory(root); err == nil {
			t.Errorf("%s: %d", name, got)
		}
	}
}

// This machine has memory, open files and a disk.
func TestHere(t *testing.T) {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		t.Skip("this system has no /proc/meminfo")
	}
	memory, err := machine.Memory(os.DirFS("/"))
	if err != nil || memory < 16<<20 {
		t.Errorf("memory: %d, %v", memory, err)
	}
	if n, err := machine.Descriptors(); err != nil || n < 16 {
		t.Errorf("descriptors: %d, %v", n, err)
	}
}

// T29: the number of mappings that the kernel allows.
func TestMappings(t *testing.T) {
	for text, want := range map[string]int64{"65530\n": 65530, "262144": 262144, "": 65530, "many": 65530, "-1": 65530} {
		root := fstest.MapFS{"proc/sys/vm/max_map_count": {Data: []byte(text)}}
		if got := machine.Mappings(root); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := machine.Mappings(fstest.MapFS{}); got != 65530 {
		t.Errorf("where there is none: %d", got)
	}
}
