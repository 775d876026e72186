// Package repo holds the repository against itself: who may import whom, the pages in docs/ against the program, what
// is generated, the words that the code uses, and the example in CONTRIBUTING.md.
package repo

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }
