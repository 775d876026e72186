package main

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestDeniedOperationsRunNoStatement counts the SQL statements of denied operations and of their granted twins.
func TestDeniedOperationsRunNoStatement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		handler, statements := countedServer(t, url)
		ask := func(token, query string) (body string, n int64) {
			before := statements.Load()
			r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"`+query+`"}`))
			r.Header.Set("Content-Type", "application/json")
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			return w.Body.String(), statements.Load() - before
		}
		body, _ := ask("", `mutation { register(input: {email: \"ann@example.com\", password: \"correct horse battery\"}) { accessToken } }`)
		token := between(t, body, `"accessToken":"`, `"`)
		for name, c := range map[string]struct {
			token, query, code string
			most               int64
		}{
			"me, nobody":              {"", "{ me { email } }", "UNAUTHENTICATED", 0},
			"me, garbage":             {"garbage", "{ me { email } }", "UNAUTHENTICATED", 0},
			"me, forged":              {token[:len(token)-4] + "AAAA", "{ me { email } }", "UNAUTHENTICATED", 0},
			"three changes, nobody":   {"", `mutation { a: updateProfile(input: {name: \"A\"}) { user { id } } b: updateProfile(input: {name: \"B\"}) { user { id } } logout { success } }`, "UNAUTHENTICATED", 0},
			"users, nobody":           {"", "{ users { totalCount } }", "UNAUTHENTICATED", 0},
			"users, a user":           {token, "{ users { totalCount } }", "FORBIDDEN", 1}, // who they are
			"a change and an admin's": {token, `mutation { updateProfile(input: {name: \"A\"}) { user { id } } suspendUser(id: \"00000000-0000-7000-8000-000000000000\") { user { id } } }`, "FORBIDDEN", 1},
		} {
			if body, n := ask(c.token, c.query); n > c.most || !strings.Contains(body, c.code) {
				t.Errorf("%s: %d statements, at most %d wanted: %s", name, n, c.most, body)
			}
		}
		// The twins: what is granted does run statements, and so the counter counts.
		if body, n := ask(token, "{ me { email } }"); n < 1 || n > 2 || !strings.Contains(body, "ann@example.com") {
			t.Errorf("me: %d statements, want 1, or 2 when the session was not in the view: %s", n, body)
		}
		if body, n := ask(token, `mutation { updateProfile(input: {name: \"A\"}) { user { name } } }`); n < 4 || !strings.Contains(body, `"name":"A"`) {
			t.Errorf("updateProfile: %d statements: %s", n, body)
		}
	})
}

// countedServer returns the program's handler on a database whose statements are counted.
func countedServer(t *testing.T, url string) (http.Handler, *atomic.Int64) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	db, err := database.Open(t.Context(), database.Config{URL: url, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	name, driver, source := dialect.Postgres, "postgres", url
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		name, driver, source = dialect.SQLite, "sqlite", "file:"+path+"?_pragma=foreign_keys(1)&_txlock=immediate&_time_format=sqlite&_timezone=UTC"
	}
	plain, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plain.Close() })
	statements := &atomic.Int64{}
	count := func(context.Context, ...any) { statements.Add(1) }
	db.Client = ent.NewClient(ent.Driver(dialect.DebugWithContext(entsql.OpenDB(name, plain), count)))

	c, err := readSettings([]string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_ARGON2=m=64,t=1,p=1", "GATEHOUSE_SECRET=" + strings.Repeat("one secret of a test ", 2)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := build(t.Context(), c, db, "http://127.0.0.1", log)
	if err != nil {
		t.Fatal(err)
	}
	return b.Handler, statements
}

func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, before)
	inner, _, ok2 := strings.Cut(rest, after)
	if !ok || !ok2 {
		t.Fatalf("no %q in %s", before, text)
	}
	return inner
}
