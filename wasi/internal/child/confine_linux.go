package child

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// confine holds the process to its bounds. The limits of the system are set by the child itself, before it reads its
// first byte: Go cannot set them between fork and exec.
func confine(b Bounds) error {
	// The system ends this process before any other when memory is short. It may not be able to, in a container.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	const politely = 10
	if err := unix.Setpriority(unix.PRIO_PGRP, 0, politely); err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	for _, limit := range limits(b) {
		r := unix.Rlimit{Cur: limit.most, Max: limit.most}
		var now unix.Rlimit
		if err := unix.Getrlimit(limit.what, &now); err == nil && now.Max < limit.most {
			r = unix.Rlimit{Cur: now.Max, Max: now.Max} // who started the server was stricter
		}
		if err := unix.Setrlimit(limit.what, &r); err != nil {
			return fmt.Errorf("set the limit of %s to %d: %w", limit.name, limit.most, err)
		}
	}
	if err := noNewPrivileges(); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	landlock()
	return nil
}

type limit struct {
	what int
	name string
	most uint64
}

func limits(b Bounds) []limit {
	const descriptors = 64
	list := []limit{
		{unix.RLIMIT_CORE, "core dumps", 0},
		{unix.RLIMIT_CPU, "processor time", uint64((b.Processor + time.Second - 1) / time.Second)},
		{unix.RLIMIT_FSIZE, "file size", uint64(b.File)},
		{unix.RLIMIT_NOFILE, "descriptors", descriptors},
	}
	if reserves > 0 {
		list = append(list, limit{unix.RLIMIT_AS, "address space", uint64(b.Resident) + reserves})
	}
	return list
}
