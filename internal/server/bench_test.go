package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/metrics"
	"github.com/gatehouse/gatehouse/internal/testenv"
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

// maxMeAllocations bounds what me allocates with the request and the recorder of the test.
const maxMeAllocations = 215

func TestMe_AllocatesNoMoreThanItDid(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector allocates too")
	}
	if n := testing.AllocsPerRun(1000, askMe(t, observer{})); n > maxMeAllocations {
		t.Errorf("%.0f allocations, at most %d wanted", n, maxMeAllocations)
	}
}

// askMe returns a function that asks a new server for me.
func askMe(t testing.TB, w observer) func() {
	built := open(t, Options{observer: w})
	ask := func(token, body string) string {
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/graphql", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", token)
		answer := httptest.NewRecorder()
		built.Handler.ServeHTTP(answer, r)
		return answer.Body.String()
	}
	registered := ask("", `{"query":"mutation { register(input: `+
		`{email: \"ann@example.com\", password: \"correct horse battery\"}) { accessToken } }"}`)
	_, rest, _ := strings.Cut(registered, `"accessToken":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return func() {
		built.accounts.SyncedUntil(time.Now()) // as the reader of changes says in a server that runs
		if got := ask("Bearer "+token, `{"query":"query Me { me { id email } }"}`); !strings.Contains(got, "ann@example.com") {
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
