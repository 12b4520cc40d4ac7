// Package fs is the file system that one guest sees: a directory tree of the
// host that the guest cannot leave.
//
// A [Dir] is read-only (a bundle), writable without bounds (a directory that
// the user lends to `spacewasm run`), or the top of a [Tmp]: a private /tmp
// that is bounded by a [Quota] and gone when the execution ends.
//
// All names go through [os.Root], so neither ".." nor a symbolic link, made by
// the guest or shipped to it, leads out of the tree. Where os.Root has no call
// that fits (a rename onto an empty directory, the times of a link itself),
// the directory is opened through os.Root, and the last name is handed to an
// *at system call that does not follow links.
//
// Errors are [io/fs.PathError] values with the guest's name for the file, which
// unwrap to a [syscall.Errno]. A name that leads out of the tree is EPERM.
//
// All types are safe for concurrent use.
package fs
