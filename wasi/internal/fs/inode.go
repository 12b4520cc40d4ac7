package fs

// maxDepth is how many levels of directories a Tmp may have.
const maxDepth = 64

// An inode is a file, directory or symbolic link of a Tmp, for as long as a
// name or an open file holds it. The ledger's mutex guards it.
type inode struct {
	id      ID
	size    int64 // of regular files; else 0
	links   int   // its names
	handles int   // its open files

	// Of directories, so that the depth of a tree is known without walking
	// the disk. The top, and what is no directory, has no parent.
	parent *inode
	dirs   map[*inode]struct{}
}

// depth is 0 for the top, 1 for a directory in it.
func (n *inode) depth() int {
	depth := 0
	for ; n.parent != nil; n = n.parent {
		depth++
	}
	return depth
}

// height is the number of levels of the tree at n: 1 for an empty directory.
func (n *inode) height() int {
	below := 0
	for dir := range n.dirs {
		below = max(below, dir.height())
	}
	return below + 1
}

// moveTo puts the directory n into parent.
func (n *inode) moveTo(parent *inode) {
	n.detach()
	n.parent = parent
	if parent.dirs == nil {
		parent.dirs = make(map[*inode]struct{})
	}
	parent.dirs[n] = struct{}{}
}

// detach takes a directory out of its parent; others have none.
func (n *inode) detach() {
	if n.parent != nil {
		delete(n.parent.dirs, n)
		n.parent = nil
	}
}
