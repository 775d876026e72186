//go:build !unix

package httpserver

import "math"

// maxFiles says that there is no limit of open files.
func maxFiles() int { return math.MaxInt }
