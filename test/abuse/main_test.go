// Package abuse holds the program against clients that mean harm: expensive and malformed requests, smuggled ones,
// guesses of passwords, cancellations, and secrets that must not leave. It loads the processors, and so runs alone.
package abuse

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

func TestMain(m *testing.M) { servertest.MainExclusive(m) }
