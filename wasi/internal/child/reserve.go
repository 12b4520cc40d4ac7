//go:build linux && !race

package child

// reserves is the address space, in bytes, that Go reserves and does not use.
const reserves uint64 = 4 << 30
