//go:build !linux

package password

// GiveWay does nothing where threads have no priority of their own.
func GiveWay() {}
