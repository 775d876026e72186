package main

import (
	"database/sql"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestABackupWhileWritingIsWholeAndItsRestoreRevivesNothing is R-028, by the steps of docs/operations.md: a backup that is
// taken while four clients register holds each account that was answered before, and none by half. Restored, it would
// accept what was revoked since; after the steps for it, no token of before is good.
func TestABackupWhileWritingIsWholeAndItsRestoreRevivesNothing(t *testing.T) {
	page := read(t, "docs/operations.md")
	const jwks = "/.well-known/jwks.json" // what services elsewhere check tokens with
	steps := regexp.MustCompile("(?s)so before the start:\n\n```sql\n(.*?)```\n\nand then `gatehouse (keys rotate --revoke)`").FindStringSubmatch(page)
	if steps == nil || !strings.Contains(page, `"VACUUM INTO 'backup.db'"`) || !strings.Contains(page, "`pg_dump`") {
		t.Fatal("docs/operations.md tells another way")
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		with := func(url string) []string {
			return []string{"GATEHOUSE_SECRET_FILE=", sameSecret, sameIssuer, "GATEHOUSE_DATABASE_URL=" + url}
		}
		s := start(t, with(url)...)
		c := newCrowd(t, s.URL)
		ended, living := newcomer(c, "ada@example.com"), newcomer(c, "bob@example.com")
		restored, before := backUp(t, c, url)
		if _, code, err := c.ask("mutation { answer: logout { __typename } }", nil, ended.AccessToken); code != "" || err != nil {
			t.Fatal(code, err)
		}
		c.wants("after its logout", ended, "UNAUTHENTICATED")
		s.stop(t)
		whole(t, restored, before)

		s = start(t, with(restored)...) // without the steps
		c.url = s.URL
		c.wants("restored, and nothing else done", ended, "")
		c.wants("restored, and nothing else done", living, "")
		_, formerKeys := get(t, s.URL+jwks)
		s.stop(t)

		db := opened(t, restored)
		for statement := range strings.SplitSeq(strings.TrimSpace(steps[1]), "\n") {
			if _, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		if code, _, errs := command(t, with(restored)[1:], strings.Fields(steps[2])...); code != exitDone {
			t.Fatal(errs)
		}
		c.url = start(t, with(restored)...).URL
		c.wants("restored by the page", ended, "UNAUTHENTICATED")
		c.wants("restored by the page", living, "UNAUTHENTICATED")
		_, keys := get(t, c.url+jwks)
		for _, kid := range regexp.MustCompile(`"kid":"[^"]+"`).FindAllString(formerKeys, -1) {
			if strings.Contains(keys, kid) || !strings.Contains(keys, `"kid":`) {
				t.Errorf("a key of before verifies elsewhere, or none does: %s", keys)
			}
		}
		for _, old := range []given{ended, living} {
			if _, code, err := c.ask(refresh, map[string]string{"token": old.RefreshToken}, ""); code == "" || err != nil {
				t.Errorf("an old refresh token: %q, %v", code, err)
			}
		}
		again, code, err := c.ask(register, map[string]string{"email": "new@example.com", "password": thePassword}, "")
		if code != "" || err != nil {
			t.Fatal(code, err)
		}
		c.wants("a new account", again, "")
		if again, code, err = c.login("ada@example.com"); code != "" || err != nil {
			t.Fatal(code, err)
		}
		c.wants("an old account that signed in anew", again, "")
	})
}

func newcomer(c *crowd, email string) given {
	c.t.Helper()
	got, code, err := c.ask(register, map[string]string{"email": email, "password": thePassword}, "")
	if code != "" || err != nil {
		c.t.Fatal(code, err)
	}
	return got
}

func (c *crowd) wants(when string, g given, want string) {
	c.t.Helper()
	if _, code, err := c.ask("{ answer: me { email } }", nil, g.AccessToken); code != want || err != nil {
		c.t.Errorf("%s: %q, %v; want %q", when, code, err, want)
	}
}

// backUp copies the database while clients register, and restores the copy elsewhere. It returns the addresses of those
// who were answered before it began.
func backUp(t *testing.T, c *crowd, url string) (restored string, before []string) {
	t.Helper()
	var stop atomic.Bool
	var working sync.WaitGroup
	var mu sync.Mutex
	var answered []string
	for i := range 4 {
		working.Go(func() {
			for n := 0; !stop.Load(); n++ {
				email := fmt.Sprintf("writer-%d-%d@example.com", i, n)
				if _, code, err := c.ask(register, map[string]string{"email": email, "password": thePassword}, ""); code != "" || err != nil {
					t.Errorf("%s: %q, %v", email, code, err)
					return
				}
				mu.Lock()
				answered = append(answered, email)
				mu.Unlock()
			}
		})
	}
	known := func() []string { mu.Lock(); defer mu.Unlock(); return answered }
	soon(t, "the clients are at work", backWithin, func() bool { return len(known()) > 100 })
	before = known()
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		copied := filepath.Join(t.TempDir(), "backup.db")
		if _, err := opened(t, "sqlite:"+path).Exec("VACUUM INTO '" + copied + "'"); err != nil {
			t.Fatal(err)
		}
		restored = "sqlite:" + copied
	} else {
		file := filepath.Join(t.TempDir(), "backup.sql")
		for _, program := range []string{"pg_dump", "psql"} {
			if _, err := exec.LookPath(program); err != nil {
				stop.Store(true)
				working.Wait()
				testenv.Missing(t, program, "apt-get install postgresql-client")
			}
		}
		execute(t, ".", "pg_dump", "--file", file, url)
		restored = dbtest.Postgres(t)
		execute(t, ".", "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file", file, restored)
	}
	stop.Store(true)
	working.Wait()
	t.Logf("%d accounts before the backup, %d after it", len(before), len(answered))
	return restored, before
}

// whole checks that a backup has each account of a list, that each of its accounts has the session that was made with it,
// and that it lacks what was written after it.
func whole(t *testing.T, url string, accounts []string) {
	t.Helper()
	db := opened(t, url)
	for _, email := range accounts {
		var there int
		if err := db.QueryRow("SELECT count(*) FROM users WHERE email = $1", email).Scan(&there); err != nil || there != 1 {
			t.Fatalf("%s: %d times, %v", email, there, err)
		}
	}
	var half, ended int
	if err := db.QueryRow("SELECT count(*) FROM users u FULL JOIN sessions s ON s.user_id = u.id WHERE s.id IS NULL OR u.id IS NULL").Scan(&half); err != nil || half > 0 {
		t.Errorf("%d are written by half: %v", half, err)
	}
	if err := db.QueryRow("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL").Scan(&ended); err != nil || ended > 0 {
		t.Errorf("%d sessions were ended: %v", ended, err)
	}
}

func opened(t *testing.T, url string) *sql.DB {
	t.Helper()
	driver, source := "postgres", url
	if path, is := strings.CutPrefix(url, "sqlite:"); is {
		driver, source = "sqlite", path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
