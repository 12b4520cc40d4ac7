package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/spacewasm/spacewasm/host/disk"
)

// free is what this user may still write below dir, in bytes.
func free(t *testing.T, dir string) int64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	return int64(st.Bavail) * st.Bsize
}

func open(t *testing.T, dir string, least int64) *disk.Reserve {
	t.Helper()
	r, err := disk.Open(dir, least)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir, 0)
	if n, err := r.Free(); err != nil || n < 1<<20 {
		t.Errorf("disk: %d, %v", n, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Free(); err == nil {
		t.Error("a folder that does not exist is on a disk")
	}
}

// T24: what would touch the reserve is not given.
func TestReserve(t *testing.T) {
	dir := t.TempDir()
	const slack = 256 << 20 // others write to this disk too
	if free(t, dir) < 2*slack {
		t.Skip("the disk is nearly full")
	}
	for name, c := range map[string]struct {
		least, take int64
		want        bool
	}{
		"plenty":              {1, 1 << 20, true},
		"none kept":           {0, 1 << 60, true},
		"more than there is":  {1, 1 << 60, false},
		"below the reserve":   {free(t, dir) + slack, 0, false},
		"just above":          {free(t, dir) - slack, 1 << 20, true},
		"through the reserve": {free(t, dir) - slack, 2 * slack, false},
	} {
		r := open(t, dir, c.least)
		if got := r.Take(c.take); got != c.want {
			t.Errorf("%s: Take(%d) of a reserve of %d: %v", name, c.take, c.least, got)
		}
	}
	if open(t, dir, 1).Low() || !open(t, dir, free(t, dir)+slack).Low() {
		t.Error("low is not what it should be")
	}
}

// T24: who asks before each write never touches the reserve, also between two looks
// at the disk.
func TestReserveHolds(t *testing.T) {
	const size, least, part = 8 << 20, 4 << 20, 64 << 10
	dir := tmpfs(t, size)
	r := open(t, dir, least)
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	written := 0
	for r.Take(part) && written < size {
		if _, err := f.Write(make([]byte, part)); err != nil {
			t.Fatal(err)
		}
		written += part
	}
	if left := free(t, dir); left < least || left > least+4*part || !r.Low() && r.Take(part) {
		t.Errorf("%d bytes are free after %d were written, the reserve is %d", left, written, least)
	}
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if r.Low() || !r.Take(part) {
		t.Error("what was freed is not found")
	}
}

// tmpfs mounts a small file system, which only root may do.
func tmpfs(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		if os.Getenv("CI") == "" {
			t.Skipf("cannot mount a small file system: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestAutoReserve(t *testing.T) {
	dir := t.TempDir()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	total := int64(st.Blocks) * st.Bsize
	least := open(t, dir, disk.Auto).Least()
	if least != min(max(64<<20, total/100), total/10) {
		t.Errorf("of %d bytes %d are kept free", total, least)
	}
	if _, err := disk.Open(filepath.Join(dir, "missing"), 1); err == nil {
		t.Error("a folder that is not there has a disk")
	}
}

type budget struct{ left int64 }

func (b *budget) Take(n int64) bool {
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) Give(n int64) { b.left += n }

// T24: the guests' /tmp takes nothing of the reserve, whatever their budget says.
func TestGuard(t *testing.T) {
	dir := t.TempDir()
	next := &budget{left: 10}
	high := open(t, dir, 1).Guard(next)
	if !high.Take(7) || high.Take(4) || next.left != 3 {
		t.Errorf("%d are left", next.left)
	}
	high.Give(7)
	low := open(t, dir, 1<<60).Guard(next)
	if low.Take(1) || next.left != 10 {
		t.Errorf("below the reserve something was taken; %d are left", next.left)
	}
}

// T35: network file systems are told from others by their magic numbers.
func TestNetwork(t *testing.T) {
	for magic, want := range map[uint32]string{
		unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", 0xff534d42: "SMB", unix.SMB2_SUPER_MAGIC: "SMB",
		unix.V9FS_MAGIC: "9p", unix.AFS_SUPER_MAGIC: "AFS", unix.AFS_FS_MAGIC: "AFS", unix.CODA_SUPER_MAGIC: "Coda",
		unix.CEPH_SUPER_MAGIC: "Ceph", unix.OCFS2_SUPER_MAGIC: "OCFS2",
		unix.EXT4_SUPER_MAGIC: "", unix.XFS_SUPER_MAGIC: "", unix.BTRFS_SUPER_MAGIC: "", unix.TMPFS_MAGIC: "",
		unix.OVERLAYFS_SUPER_MAGIC: "", 0x2fc12fc1: "", unix.FUSE_SUPER_MAGIC: "",
	} {
		if got := disk.Network(magic); got != want {
			t.Errorf("%#x is %q, want %q", magic, got, want)
		}
	}
}

func TestCheckLocal(t *testing.T) {
	if err := disk.CheckLocal(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := disk.CheckLocal(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
