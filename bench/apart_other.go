//go:build !linux

package bench

import "syscall"

// ownSession needs a system that has sessions; elsewhere the process stays in this one's.
func ownSession() *syscall.SysProcAttr { return nil }

// oomFirst is for the kernel that has such a rule.
func oomFirst() {}
