package abuse

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	userCount      = 10_000                // of whom an administrator reads pages
	parallel       = 100                   // expensive queries
	lightInterval  = 20 * time.Millisecond // between two light requests
	maxResidentMiB = 256                   // that the server may ever have had
	maxLightP99    = time.Second           // on a machine that others use
)

// queryTime is how long the expensive queries are asked; TEST_LONG=expensive is long enough for a figure.
func queryTime() time.Duration {
	if testenv.Long("expensive") {
		return 20 * time.Second
	}
	return time.Second
}

// TestExpensiveQuery_LeavesRoomForOthers: a hundred callers ask again and again for all that the limits allow
// them, while another asks for me at a steady rate.
func TestExpensiveQuery_LeavesRoomForOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	url := dbtest.Postgres(t)
	s := servertest.StartChild(t, servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL="+url)
	admin := s.CreateAdmin()
	servertest.Exec(t, servertest.OpenDB(t, url), fmt.Sprintf(`INSERT INTO users (id, email, email_verified, name, password_hash, roles, status, created_at, updated_at)
		SELECT gen_random_uuid(), 'u' || n || '@example.com', false, repeat('n', 100), '', '["USER"]', 'ACTIVE', now(), now()
		FROM generate_series(1, %d) AS n`, userCount))
	user := s.Register()
	for range 99 { // the sessions of one account are bounded
		user = s.Login(user.Email, servertest.Password)
	}
	light := s.Register().Access
	quiet := askSteadily(s.Client, light)
	for _, c := range []struct{ who, token, query string }{
		{"users", user.Access, mostExpensiveOfUser()}, {"administrators", admin, mostExpensiveOfAdmin()},
	} {
		wanted := len(s.Must(c.token, c.query).Body)
		if wanted < 200<<10 {
			t.Fatalf("the most expensive query of %s has %d bytes only", c.who, wanted)
		}
		var stop atomic.Bool
		var answered, refused atomic.Int64
		var clients sync.WaitGroup
		for range parallel {
			clients.Go(func() {
				for !stop.Load() {
					switch a := s.Ask(c.token, c.query); {
					case a.Status == http.StatusOK && len(a.Body) == wanted:
						answered.Add(1)
					case a.Unavailable(): // all of it, or a part whose time was over
						refused.Add(1)
					default:
						t.Errorf("%s: %d bytes, want %d: %.300v", c.who, len(a.Body), wanted, a)
						return
					}
				}
			})
		}
		time.Sleep(queryTime() / 5)
		loaded := askSteadily(s.Client, light)
		stop.Store(true)
		clients.Wait()
		most := s.MaxResidentKiB() >> 10
		t.Logf("%s, %d KiB an answer, %d answered, %d unavailable: me p99 %v, quiet %v, %.1f times; p50 %v, quiet %v; %d MiB at most",
			c.who, wanted>>10, answered.Load(), refused.Load(), loaded.p99, quiet.p99, float64(loaded.p99)/float64(quiet.p99),
			loaded.p50, quiet.p50, most)
		if loaded.p99 > maxLightP99 || answered.Load() == 0 {
			t.Errorf("%s: me p99 %v, want %v at most; %d expensive ones answered", c.who, loaded.p99, maxLightP99,
				answered.Load())
		}
		if most > maxResidentMiB {
			t.Errorf("%s: the server had %d MiB, want %d at most", c.who, most, maxResidentMiB)
		}
	}
}

// mostExpensiveOfUser asks for all there is of the caller as often as a query may.
func mostExpensiveOfUser() string {
	return "{" + repeat(10, "a%d: me { id email emailVerified name roles status createdAt updatedAt sessions { id current createdAt lastUsedAt expiresAt userAgent ip } }") + "}"
}

// mostExpensiveOfAdmin asks for all there is of the largest pages, each of which counts all users.
func mostExpensiveOfAdmin() string {
	return "{" + repeat(10, `a%d: users(first: 100, search: "u", filter: {status: ACTIVE}) { `+
		"totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } "+
		"edges { cursor node { id email emailVerified name roles status createdAt updatedAt } } }") + "}"
}

// latency is how long light requests took.
type latency struct{ p50, p99 time.Duration }

// askSteadily asks for me at a steady rate, whether the former requests are answered or not. What the machine stands
// still for does not count.
func askSteadily(c *servertest.Client, token string) latency {
	took := make([]time.Duration, int(queryTime()/lightInterval))
	var light sync.WaitGroup
	began := time.Now()
	for i := range took {
		time.Sleep(time.Until(began.Add(time.Duration(i) * lightInterval)))
		light.Go(func() {
			asked := testenv.Awake()
			c.Must(token, servertest.Me)
			took[i] = testenv.Awake() - asked
		})
	}
	light.Wait()
	slices.Sort(took)
	return latency{took[len(took)/2], took[len(took)*99/100]}
}
