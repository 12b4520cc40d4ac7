//go:build linux && race

package child

// reserves is 0, no limit: the race detector reserves terabytes.
const reserves uint64 = 0
