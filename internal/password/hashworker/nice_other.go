//go:build !linux

package hashworker

// lowerPriority does nothing where threads have no priority of their own.
func lowerPriority() {}
