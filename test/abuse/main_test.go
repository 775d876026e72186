// Package abuse holds the program against clients that mean harm: expensive and malformed requests, smuggled ones,
// guesses of passwords, cancellations, and secrets that must not leave. It loads the processors.
package abuse

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }
