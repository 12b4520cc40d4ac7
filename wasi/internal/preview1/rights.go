package preview1

// The rights of a descriptor: what may be done with it.
const (
	rightFdDatasync uint64 = 1 << iota
	rightFdRead
	rightFdSeek
	rightFdFdstatSetFlags
	rightFdSync
	rightFdTell
	rightFdWrite
	rightFdAdvise
	rightFdAllocate
	rightPathCreateDirectory
	rightPathCreateFile
	rightPathLinkSource
	rightPathLinkTarget
	rightPathOpen
	rightFdReaddir
	rightPathReadlink
	rightPathRenameSource
	rightPathRenameTarget
	rightPathFilestatGet
	rightPathFilestatSetSize
	rightPathFilestatSetTimes
	rightFdFilestatGet
	rightFdFilestatSetSize
	rightFdFilestatSetTimes
	rightPathSymlink
	rightPathRemoveDirectory
	rightPathUnlinkFile
	rightPollFdReadwrite
	rightSockShutdown
	rightSockAccept
)

// What makes sense for each kind of descriptor. A read-only tree has the rights
// of any other: that it cannot be changed is an error of its own, EROFS.
const (
	fileRights = rightFdDatasync | rightFdRead | rightFdSeek | rightFdFdstatSetFlags | rightFdSync | rightFdTell |
		rightFdWrite | rightFdAdvise | rightFdAllocate | rightFdFilestatGet | rightFdFilestatSetSize |
		rightFdFilestatSetTimes | rightPollFdReadwrite

	dirRights = rightFdFdstatSetFlags | rightFdSync | rightFdDatasync | rightFdAdvise |
		rightPathCreateDirectory | rightPathCreateFile | rightPathLinkSource | rightPathLinkTarget | rightPathOpen |
		rightFdReaddir | rightPathReadlink | rightPathRenameSource | rightPathRenameTarget | rightPathFilestatGet |
		rightPathFilestatSetSize | rightPathFilestatSetTimes | rightFdFilestatGet | rightFdFilestatSetTimes |
		rightPathSymlink | rightPathRemoveDirectory | rightPathUnlinkFile

	// Without the right to seek a C library takes a character device for a
	// terminal.
	streamRights = rightFdDatasync | rightFdRead | rightFdFdstatSetFlags | rightFdSync | rightFdWrite |
		rightFdFilestatGet | rightPollFdReadwrite | rightSockShutdown

	listenerRights = rightFdFdstatSetFlags | rightFdFilestatGet | rightPollFdReadwrite | rightSockAccept |
		rightSockShutdown
)

// rights are what may be done with a descriptor, and what may be done with those
// that are opened through it.
type rights struct{ base, inheriting uint64 }

// lack is the error of a descriptor without a right. POSIX has a word of its own
// for reading and writing.
func lack(right uint64) error {
	if right == rightFdRead || right == rightFdWrite {
		return errnoBadf
	}
	return errnoNotcapable
}
