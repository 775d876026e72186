package main

import (
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestEveryRowOfOperationsHasItsTest holds docs/operations.md against the tests that it names.
func TestEveryRowOfOperationsHasItsTest(t *testing.T) {
	var tests strings.Builder
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "node_modules" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			tests.WriteString(read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(read(t, "docs/operations.md"), "|---|---|---|\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")
	for _, row := range rows {
		names := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(row, -1)
		if len(names) == 0 {
			t.Errorf("no test: %s", row)
		}
		for _, name := range names {
			if !strings.Contains(tests.String(), "\nfunc "+name[1]+"(t ") {
				t.Errorf("there is no %s: %s", name[1], row)
			}
		}
	}
	if len(rows) < 15 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestOperationsSQLDoesWhatItSays runs what the page tells operators to run: after a restore, and to replace the secret.
func TestOperationsSQLDoesWhatItSays(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(read(t, "docs/operations.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want 2", len(blocks))
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		driver, source := "postgres", url
		if path, is := strings.CutPrefix(url, "sqlite:"); is {
			driver, source = "sqlite", path
		}
		db, err := sql.Open(driver, source)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		with := func(secret string) []string {
			return []string{"GATEHOUSE_DATABASE_URL=" + url, "GATEHOUSE_SECRET=" + strings.Repeat(secret, 4), sameIssuer, "GATEHOUSE_ARGON2=m=64,t=1,p=1"}
		}
		run := func(block string) {
			t.Helper()
			for statement := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
				if _, err := db.Exec(statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
		}
		begin := func(secret string) (*instance, *stage) {
			s := start(t, append(with(secret), "GATEHOUSE_SECRET_FILE=")...)
			return s, &stage{t: t, url: s.URL}
		}
		refused := func(w *stage, token string) {
			t.Helper()
			if body := w.ask(shape{method: "POST", query: me}, token); !strings.Contains(body, "UNAUTHENTICATED") {
				t.Errorf("an old token: %s", body)
			}
		}
		s, w := begin("the first ")
		before := between(t, w.must("", `mutation { register(input: {email: "ada@example.com", password: "correct horse battery"}) { accessToken } }`), `"accessToken":"`, `"`)
		s.stop(t)
		run(blocks[0][1])
		if code, _, errs := command(t, with("the first "), "keys", "rotate", "--revoke"); code != exitDone {
			t.Fatal(errs)
		}
		s, w = begin("the first ")
		refused(w, before)
		after := w.login("ada@example.com", "correct horse battery")
		s.stop(t)
		run(blocks[1][1])
		_, w = begin("the second")
		refused(w, after)
		w.must(w.login("ada@example.com", "correct horse battery"), me)
	})
}
