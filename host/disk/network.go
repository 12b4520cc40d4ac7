package disk

import (
	"errors"
	"fmt"
)

// CheckLocal refuses a folder on a network file system. Locks and the shared
// memory of SQLite's log do not reach the other machines there, so two servers
// would take it, or a cut line would damage it.
//
// FUSE passes: most of what answers to that number is local, and the kernel does
// not tell.
func CheckLocal(dir string) error {
	magic, err := kind(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the file system of %s: %w", dir, err)
	}
	if name := Network(magic); name != "" {
		return fmt.Errorf("%s is on a network file system (%s), where locks and the database's shared memory do not hold: "+
			"use a local disk, with --data", dir, name)
	}
	return nil
}

// Network names the network or cluster file system that has the magic number of
// statfs(2), or returns "".
func Network(magic uint32) string {
	switch magic {
	case 0x6969:
		return "NFS"
	case 0x517b, 0xff534d42, 0xfe534d42:
		return "SMB"
	case 0x01021997:
		return "9p"
	case 0x5346414f, 0x6b414653:
		return "AFS"
	case 0x73757245:
		return "Coda"
	case 0x564c:
		return "NCP"
	case 0x00c36400:
		return "Ceph"
	case 0x0bd00bd0:
		return "Lustre"
	case 0x47504653:
		return "GPFS"
	case 0x7461636f:
		return "OCFS2"
	case 0x01161970:
		return "GFS2"
	case 0xaad7aaea:
		return "PanFS"
	case 0x19830326:
		return "BeeGFS"
	}
	return ""
}
