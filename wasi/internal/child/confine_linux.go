package child

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// confine holds the process to its bounds, and to the folders that it may read. The limits of the system are set by the
// child itself, before it reads its first byte: Go cannot set them between fork and exec.
func confine(b Bounds, folders []*os.File) error {
	// The system ends this process before any other when memory is short. It may not be able to, in a container.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	const politely = 10
	if err := unix.Setpriority(unix.PRIO_PGRP, 0, politely); err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	for _, limit := range limits(b) {
		r := unix.Rlimit{Cur: limit.most, Max: limit.most + limit.grace}
		var now unix.Rlimit
		if err := unix.Getrlimit(limit.what, &now); err == nil && now.Max < r.Max { // who started the server was stricter
			r = unix.Rlimit{Cur: min(r.Cur, now.Max), Max: now.Max}
		}
		if err := unix.Setrlimit(limit.what, &r); err != nil {
			return fmt.Errorf("set the limit of %s to %d: %w", limit.name, limit.most, err)
		}
	}
	endInTime()
	landlock(folders)
	return nil
}

// limit is one of the system's, for this process. Beyond most it is told by a signal or an error, and killed beyond
// most and grace.
type limit struct {
	what        int
	name        string
	most, grace uint64
}

func limits(b Bounds) []limit {
	const descriptors, seconds = 320, 2 // a guest may have 256 of them
	list := []limit{
		{unix.RLIMIT_CORE, "core dumps", 0, 0},
		{unix.RLIMIT_CPU, "processor time", uint64((b.Processor + time.Second - 1) / time.Second), seconds},
		{unix.RLIMIT_FSIZE, "file size", uint64(b.File), 0},
		{unix.RLIMIT_NOFILE, "descriptors", descriptors, 0},
	}
	if reserves > 0 {
		list = append(list, limit{unix.RLIMIT_AS, "address space", uint64(b.Resident) + reserves, 0})
	}
	return list
}

// endInTime ends the process when its processor time is used up. The kernel would too, a little later, but whoever
// waits for it could not tell why.
func endInTime() {
	over := make(chan os.Signal, 1)
	signal.Notify(over, unix.SIGXCPU)
	go func() {
		<-over
		syscall.Exit(statusProcessor)
	}()
}
