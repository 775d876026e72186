//go:build !linux

package hashworker

// giveWay does nothing where threads have no priority of their own.
func giveWay() {}
