package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// BenchmarkMe is an authenticated { me { id email } } through the public handler, and what counting costs it.
func BenchmarkMe(b *testing.B) {
	for name, w := range map[string]observer{"plain": {}, "counted": {metrics: metrics.New("test")}} {
		b.Run(name, func(b *testing.B) { benchmarkMe(b, w) })
	}
}

func benchmarkMe(b *testing.B, w observer) {
	ask := askMe(b, w)
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

// BenchmarkUsers is an administrator's page of 100 users, asked for by as many clients as there are processors.
func BenchmarkUsers(b *testing.B) {
	built := open(b, Options{}, "GATEHOUSE_THROTTLE=off")
	_, err := built.accounts.CreateAdministrator(b.Context(), "root@example.com", "correct horse battery")
	testenv.Check(b, err)
	for i := range 100 {
		_, err := built.accounts.Register(b.Context(), viewer.Anonymous(viewer.Missing),
			accounts.RegisterInput{Email: fmt.Sprintf("user%d@example.com", i), Password: "correct horse battery"})
		testenv.Check(b, err)
	}
	ask := askSignedIn(b, built, "login", "root@example.com",
		`{"query":"{ users(first: 100) { edges { node { id email name roles status createdAt } } } }"}`)
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			ask()
		}
	})
}

// These bound what me allocates with the request and the recorder of the test, which are 26 objects and 7,300 bytes.
const (
	maxMeAllocations = 130
	maxMeBytes       = 13_200
)

func TestMe_AllocatesNoMoreThanItDid(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates too")
	}
	ask := askMe(t, observer{})
	if n := testing.AllocsPerRun(1000, ask); n > maxMeAllocations {
		t.Errorf("%.0f allocations, at most %d wanted", n, maxMeAllocations)
	}
	const times = 1000
	before, after := runtime.MemStats{}, runtime.MemStats{}
	runtime.ReadMemStats(&before)
	for range times {
		ask()
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / times; n > maxMeBytes {
		t.Errorf("%d bytes allocated, at most %d wanted", n, maxMeBytes)
	}
}

// askMe returns a function that asks a new server for me.
func askMe(t testing.TB, w observer) func() {
	return askSignedIn(t, open(t, Options{observer: w}), "register", "ann@example.com",
		`{"query":"query Me { me { id email } }"}`)
}

// askSignedIn signs in by a mutation and returns a function that sends this body with the access token.
func askSignedIn(t testing.TB, built *Server, mutation, email, body string) func() {
	ask := func(token, body string) string {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", token)
		answer := httptest.NewRecorder()
		built.Handler.ServeHTTP(answer, r)
		return answer.Body.String()
	}
	signedIn := ask("", fmt.Sprintf(`{"query":"mutation { %s(input: `+
		`{email: \"%s\", password: \"correct horse battery\"}) { accessToken } }"}`, mutation, email))
	_, rest, _ := strings.Cut(signedIn, `"accessToken":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return func() {
		built.accounts.SyncedUntil(time.Now()) // as the reader of changes says in a server that runs
		if got := ask("Bearer "+token, body); !strings.Contains(got, email) {
			t.Fatal(got)
		}
	}
}

// open composes a server on a new database, with these variables more.
func open(t testing.TB, o Options, environment ...string) *Server {
	t.Helper()
	o.Log, o.Address = slog.New(slog.DiscardHandler), "http://127.0.0.1"
	url := dbtest.SQLite(t)
	c, err := ReadConfig(append(environment, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_ARGON2=m=64,t=1,p=1",
		"GATEHOUSE_SECRET="+strings.Repeat("one secret of a test,", 2)))
	testenv.Check(t, err)
	db, err := database.Open(t.Context(), database.Config{URL: url, Log: o.Log})
	testenv.Check(t, err)
	t.Cleanup(func() { db.Close() })
	_, err = db.Migrate(t.Context())
	testenv.Check(t, err)
	built, err := New(t.Context(), c, db, o)
	testenv.Check(t, err)
	return built
}
