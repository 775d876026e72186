package faults

import (
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestCommand_BesideABusyServerSucceeds: the server's sixteen clients write to the same SQLite file without a pause, and
// a command polls for its lock. Without a wait for the lock it fails.
func TestCommand_BesideABusyServerSucceeds(t *testing.T) {
	s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL=sqlite:"+t.TempDir()+"/gatehouse.db")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		simultaneously(16, func(int) {
			a := s.Register()
			for {
				select {
				case <-stop:
					return
				default:
					s.Ask(a.Access, a.Questions()[1])
				}
			}
		})
	}()
	u := s.Register()
	var most time.Duration
	for range 15 {
		began := time.Now()
		o := s.RunCommand("another horse battery", "admin", "reset", u.Email)
		most = max(most, time.Since(began))
		if o.Code != 0 {
			t.Errorf("%+v after %v", o, time.Since(began))
		}
	}
	t.Logf("the slowest of 15 commands took %v", most)
	close(stop)
	<-done
}
