//go:build !linux

package hashworker

// adviseHugePages does nothing where the system decides by itself.
func adviseHugePages([]byte) {}
