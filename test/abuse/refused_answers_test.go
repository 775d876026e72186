package abuse

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMutation_ThatWasDoneIsAnsweredWithWhatItDid: the caller of each mutation with a large answer has a flood of large
// answers under way, so that this one's lists are refused. The client learns what was done.
func TestMutation_ThatWasDoneIsAnsweredWithWhatItDid(t *testing.T) {
	if !testenv.Long("expensive") {
		t.Skip("takes a quarter of a minute of all processors")
	}
	s := servertest.StartChild(t, "GOMAXPROCS=1")
	refused := 0
	for name := range rootFields(t, s, s.Register()) {
		a := s.Register()
		query := strings.ReplaceAll(rootFields(t, s, a)[name], `"not the password"`, servertest.JSON(servertest.Password))
		if !strings.HasPrefix(query, "mutation") || !isLarge(t, query) {
			continue
		}
		var flood sync.WaitGroup
		stop := make(chan struct{})
		for range 300 { // more than may wait
			flood.Go(func() { until(stop, func() { s.Ask(a.Access, mostExpensiveOfUser()) }) })
		}
		time.Sleep(100 * time.Millisecond)
		for range 3 {
			answer := s.Ask(a.Access, query)
			if !answer.Has("too many large answers") {
				continue
			}
			if refused++; answer.Status != 200 || !answer.Has(`"data":{"`+name+`":{`) {
				t.Errorf("%s: %v", name, answer)
			}
		}
		close(stop)
		flood.Wait()
	}
	if t.Logf("%d lists were refused", refused); refused == 0 {
		t.Error("no list was refused")
	}
}
