package server

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/metrics"
)

// BenchmarkMe is an authenticated { me { id email } } through the public handler, and what counting costs it.
func BenchmarkMe(b *testing.B) {
	for name, w := range map[string]observer{"plain": {}, "counted": {metrics: metrics.New("test")}} {
		b.Run(name, func(b *testing.B) { benchmarkMe(b, w) })
	}
}

func benchmarkMe(b *testing.B, w observer) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	url := dbtest.SQLite(b)
	c, err := ReadConfig([]string{
		"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_ARGON2=m=64,t=1,p=1",
		"GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2),
	})
	if err != nil {
		b.Fatal(err)
	}
	db, err := database.Open(b.Context(), database.Config{URL: url, Log: log})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	built, err := New(b.Context(), c, db, Options{Log: log, Address: "http://127.0.0.1", observer: w})
	if err != nil {
		b.Fatal(err)
	}
	ask := func(token, body string) string {
		r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
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
	b.ReportAllocs()
	for b.Loop() {
		got := ask("Bearer "+token, `{"query":"query Me { me { id email } }"}`)
		if !strings.Contains(got, "ann@example.com") {
			b.Fatal(got)
		}
	}
}
