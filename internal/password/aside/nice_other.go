//go:build !linux

package aside

// giveWay does nothing where threads have no priority of their own.
func giveWay() {}
