package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// dearTime is how long the dearest queries are asked; DEAREST=full is long enough for a figure.
var dearTime = map[bool]time.Duration{true: 20 * time.Second, false: time.Second}[os.Getenv("DEAREST") == "full"]

const (
	crowded  = 10_000                // users, of whom an administrator reads pages
	asking   = 100                   // for the dearest at once
	paced    = 20 * time.Millisecond // between two light requests
	heaviest = 256                   // MiB that the server may ever have had
	slowest  = time.Second           // for the p99 of light requests, on a machine that others use
)

// TestTheDearestPermittedQueriesLeaveRoomForOthers is G-078: a hundred of whoever may ask it ask for all that the limits
// allow, again and again, while somebody else asks for me at a steady rate.
func TestTheDearestPermittedQueriesLeaveRoomForOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	url := dbtest.Postgres(t)
	c := newChild(t, "GATEHOUSE_SECRET_FILE=", sameSecret, sameIssuer, "GATEHOUSE_DATABASE_URL="+url)
	w := &stage{t: t, url: c.URL}
	root := rooted(t, w, url)
	populate(t, url)
	user := w.register()
	address := between(t, w.must(user, "{ me { email } }"), `"email":"`, `"`)
	for range 99 { // the sessions of one account are bounded
		user = w.login(address, "correct horse battery")
	}
	light := w.register()
	quiet := pace(t, c.URL, light)
	for _, d := range []struct{ who, token, query string }{
		{"users", user, dearestOfAUser()}, {"administrators", root, dearestOfAnAdministrator()},
	} {
		wanted := int64(len(w.must(d.token, d.query)))
		if wanted < 200<<10 {
			t.Fatalf("the dearest of %s has %d bytes only", d.who, wanted)
		}
		var stop atomic.Bool
		var answered, refused atomic.Int64
		var crowd sync.WaitGroup
		for range asking {
			crowd.Go(func() {
				for !stop.Load() {
					switch status, size := fetch(t, c.URL, d.token, d.query); {
					case status == http.StatusOK && size == wanted:
						answered.Add(1)
					case status == http.StatusServiceUnavailable:
						refused.Add(1)
					default:
						t.Errorf("%s: %d, %d bytes, want %d", d.who, status, size, wanted)
						return
					}
				}
			})
		}
		time.Sleep(dearTime / 5)
		beside := pace(t, c.URL, light)
		stop.Store(true)
		crowd.Wait()
		most := mostResident(t, c.pid)
		t.Logf("%s, %d KiB an answer, %d answered, %d unavailable: me p99 %v, quiet %v, %.1f times; p50 %v, quiet %v; %d MiB at most",
			d.who, wanted>>10, answered.Load(), refused.Load(), beside.p99, quiet.p99, float64(beside.p99)/float64(quiet.p99), beside.p50, quiet.p50, most)
		if beside.p99 > slowest || answered.Load() == 0 {
			t.Errorf("%s: me p99 %v, want %v at most; %d of the dearest answered", d.who, beside.p99, slowest, answered.Load())
		}
		if most > heaviest {
			t.Errorf("%s: the server had %d MiB, want %d at most", d.who, most, heaviest)
		}
	}
}

// dearestOfAUser asks for all there is of oneself as often as a query may.
func dearestOfAUser() string {
	return "{" + repeat(10, "a%d: me { id email emailVerified name roles status createdAt updatedAt sessions { id current createdAt lastUsedAt expiresAt userAgent ip } }") + "}"
}

// dearestOfAnAdministrator asks for all there is of the largest pages, each of which counts all users.
func dearestOfAnAdministrator() string {
	return "{" + repeat(10, `a%d: users(first: 100, search: "u", filter: {status: ACTIVE}) { `+
		"totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } "+
		"edges { cursor node { id email emailVerified name roles status createdAt updatedAt } } }") + "}"
}

// rooted makes the administrator and returns a token.
func rooted(t *testing.T, w *stage, url string) string {
	t.Helper()
	var out strings.Builder
	if code := run(t.Context(), world{Args: []string{"admin", "create", "root@example.com"}, Stdin: strings.NewReader("the root of it all\n"),
		Env: []string{"GATEHOUSE_DATABASE_URL=" + url, sameSecret, sameIssuer, "GATEHOUSE_ARGON2=m=64,t=1,p=1"}, Stdout: &out, Stderr: &out}); code != exitDone {
		t.Fatal(out.String())
	}
	return w.admin()
}

// populate writes users past the program.
func populate(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(fmt.Sprintf(`INSERT INTO users (id, email, email_verified, name, password_hash, roles, status, created_at, updated_at)
		SELECT gen_random_uuid(), 'u' || n || '@example.com', false, repeat('n', 100), '', '["USER"]', 'ACTIVE', now(), now()
		FROM generate_series(1, %d) AS n`, crowded)); err != nil {
		t.Fatal(err)
	}
}

// fetch asks and returns the status and the size of the answer, which it does not look at: reading must not be what
// takes the time.
func fetch(t *testing.T, server, token, query string) (status int, size int64) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server+"/graphql", strings.NewReader(`{"query":`+jsonText(query)+`}`))
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := floodClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	if err != nil {
		t.Error(err)
	}
	return response.StatusCode, size
}

// pacing is how long light requests took.
type pacing struct{ p50, p99 time.Duration }

// pace asks for me at a steady rate, whether those before are answered or not, and counts from when each was due.
func pace(t *testing.T, server, token string) pacing {
	t.Helper()
	took := make([]time.Duration, int(dearTime/paced))
	var light sync.WaitGroup
	began := time.Now()
	for i := range took {
		due := began.Add(time.Duration(i) * paced)
		time.Sleep(time.Until(due))
		light.Go(func() {
			if o := askAt(floodClient, server, token, "{ me { id } }"); !o.fine() {
				t.Errorf("a light request: %+v", o)
			}
			took[i] = time.Since(due)
		})
	}
	light.Wait()
	slices.Sort(took)
	return pacing{took[len(took)/2], took[len(took)*99/100]}
}
