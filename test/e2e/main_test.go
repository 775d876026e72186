// Package e2e starts the program and asks it as clients do: transcripts of requests and answers, who may use which
// field, browsers, other services, several instances, and what operators see.
package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

func TestMain(m *testing.M) { servertest.Main(m) }
