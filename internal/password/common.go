package password

import (
	_ "embed"
	"strings"
)

// common is the list of passwords that are tried first, one a line, sorted, in lower case; NOTICE says where it
// comes from. It is searched where it lies, because a map of it would take 400 KB on top of its 93.
//
//go:embed common.txt
var common string

// isCommon reports whether the password is in the list, in any case. It looks at about 14 lines.
func isCommon(pw string) bool {
	pw = strings.ToLower(pw)
	low, high := 0, len(common) // both at the start of a line
	for low < high {
		middle := low + (high-low)/2
		start := strings.LastIndexByte(common[:middle], '\n') + 1
		end := start + strings.IndexByte(common[start:], '\n')
		switch line := common[start:end]; {
		case line == pw:
			return true
		case line < pw:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}
