package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestEndedSession_IsRefusedByTheOtherInstance prints how soon.
func TestEndedSession_IsRefusedByTheOtherInstance(t *testing.T) {
	url := dbtest.Postgres(t)
	p := servertest.NewPair(t, url, url)
	p.WaitForCache()
	trials, bound := 1000, 100*time.Millisecond
	if testing.Short() {
		trials, bound = 50, time.Second
	}
	if most := p.SlowestRefusal(trials, bound); most > bound {
		t.Errorf("a session was accepted for %v after it had ended, want at most %v", most, bound)
	}
}
