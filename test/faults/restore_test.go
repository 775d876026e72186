package faults

import (
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRestoredBackup_IsCompleteAndRevivesNothing follows docs/operations.md: a backup that is taken while four clients
// register holds each account that was answered before, and none by half. Restored, it would accept what was revoked
// since; after the steps for it, no token of before is good.
func TestRestoredBackup_IsCompleteAndRevivesNothing(t *testing.T) {
	page := servertest.ReadFile(t, "docs/operations.md")
	const jwks = "/.well-known/jwks.json" // what relying services check tokens with
	steps := regexp.MustCompile("so before the start\nrun `gatehouse (.+?)` and `gatehouse (.+?)`").FindStringSubmatch(page)
	if steps == nil || !strings.Contains(page, `"VACUUM INTO 'backup.db'"`) || !strings.Contains(page, "`pg_dump`") {
		t.Fatal("docs/operations.md tells another way")
	}
	dbtest.Each(t, func(t *testing.T, url string) {
		with := func(url string) []string {
			return []string{servertest.Secret, servertest.Issuer, "GATEHOUSE_DATABASE_URL=" + url}
		}
		s := servertest.Start(t, with(url)...)
		ended, living := s.RegisterAs("ada@example.com"), s.Register()
		restored, before := backUp(t, s.Client, url)
		s.Logout(ended.Access)
		wantCode(t, s.Client, "after its logout", ended, "UNAUTHENTICATED")
		s.Stop()
		checkBackup(t, restored, before)

		s = servertest.Start(t, with(restored)...) // without the steps
		wantCode(t, s.Client, "restored, and nothing else done", ended, "")
		wantCode(t, s.Client, "restored, and nothing else done", living, "")
		formerKeys := s.Get(jwks).Body
		s.Stop()

		for _, step := range steps[1:] {
			if o := servertest.Command(t, with(restored), "", strings.Fields(step)...); o.Code != 0 {
				t.Fatal(o.Stderr)
			}
		}
		s = servertest.Start(t, with(restored)...)
		wantCode(t, s.Client, "restored by the page", ended, "UNAUTHENTICATED")
		wantCode(t, s.Client, "restored by the page", living, "UNAUTHENTICATED")
		keys := s.Get(jwks).Body
		for _, kid := range regexp.MustCompile(`"kid":"[^"]+"`).FindAllString(formerKeys, -1) {
			if strings.Contains(keys, kid) || !strings.Contains(keys, `"kid":`) {
				t.Errorf("a key of before verifies at relying services, or none does: %s", keys)
			}
		}
		for _, old := range []servertest.Account{ended, living} {
			if code := s.Code("", `mutation { refresh(input: {refreshToken: "`+old.Refresh+`"}) { accessToken } }`); code == "" {
				t.Error("an old refresh token is accepted")
			}
		}
		wantCode(t, s.Client, "a new account", s.Register(), "")
		wantCode(t, s.Client, "an old account that signed in again", s.Login("ada@example.com", servertest.Password), "")
	})
}

func wantCode(t *testing.T, c *servertest.Client, when string, a servertest.Account, want string) {
	t.Helper()
	testenv.Equal(t, want, c.Code(a.Access, servertest.Me), "%s", when)
}

// backUp copies the database while clients register, and restores the copy as another. It returns the addresses of
// those who were answered before it began.
func backUp(t *testing.T, c *servertest.Client, url string) (restored string, before []string) {
	t.Helper()
	servertest.NeedProgram(t, "pg_dump", "apt-get install postgresql-client")
	servertest.NeedProgram(t, "psql", "apt-get install postgresql-client")
	var stop atomic.Bool
	var working sync.WaitGroup
	var mu sync.Mutex
	var answered []string
	for range 4 {
		working.Go(func() {
			for !stop.Load() {
				email := servertest.NewAddress()
				if a := c.Ask("", servertest.Registration(email)); !a.OK() {
					t.Errorf("%s: %v", email, a)
					return
				}
				mu.Lock()
				answered = append(answered, email)
				mu.Unlock()
			}
		})
	}
	known := func() []string { mu.Lock(); defer mu.Unlock(); return answered }
	servertest.Eventually(t, "the clients are at work", servertest.HangGuard, func() bool { return len(known()) > 100 })
	before = known()
	if strings.HasPrefix(url, "sqlite:") {
		path := filepath.Join(t.TempDir(), "backup.db")
		servertest.Exec(t, servertest.OpenDB(t, url), "VACUUM INTO '"+path+"'")
		restored = "sqlite:" + path
	} else {
		file := filepath.Join(t.TempDir(), "backup.sql")
		servertest.Execute(t, ".", "pg_dump", "--file", file, url)
		restored = dbtest.EmptyPostgres(t)
		servertest.Execute(t, ".", "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--output", "/dev/null", "--file", file,
			restored)
	}
	stop.Store(true)
	working.Wait()
	t.Logf("%d accounts before the backup, %d after it", len(before), len(answered))
	return restored, before
}

// checkBackup checks that a backup has each account of a list, that each of its accounts has the session that was made
// with it, and that it lacks what was written after it.
func checkBackup(t *testing.T, url string, accounts []string) {
	t.Helper()
	db := servertest.OpenDB(t, url)
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	for _, email := range accounts {
		if n := count("SELECT count(*) FROM users WHERE email = $1", email); n != 1 {
			t.Fatalf("%s: %d times", email, n)
		}
	}
	if half := count("SELECT count(*) FROM users u FULL JOIN sessions s ON s.user_id = u.id WHERE s.id IS NULL OR u.id IS NULL"); half > 0 {
		t.Errorf("%d are written by half", half)
	}
	if ended := count("SELECT count(*) FROM sessions WHERE ended_at IS NOT NULL"); ended > 0 {
		t.Errorf("%d sessions were ended", ended)
	}
}

// TestSQLOfOperationsPage_DoesWhatItSays runs what docs/operations.md tells operators to run to replace the secret.
func TestSQLOfOperationsPage_DoesWhatItSays(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(servertest.ReadFile(t,
		"docs/operations.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks, want 2", len(blocks))
	}
	blocks = blocks[1:] // the first grants rights: TestOpen_RoleThatMayNotChangeTablesIsEnough runs it
	dbtest.Each(t, func(t *testing.T, url string) {
		db := servertest.OpenDB(t, url)
		run := func(block string) {
			t.Helper()
			servertest.Exec(t, db, strings.Split(strings.TrimSpace(block), "\n")...)
		}
		begin := func(secret string) *servertest.Process {
			return servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Issuer, "GATEHOUSE_THROTTLE=on",
				"GATEHOUSE_SECRET="+strings.Repeat(secret, 4))
		}
		s := begin("the first,")
		before := s.RegisterAs("ada@example.com")
		s.Stop()
		run(blocks[0][1])
		s = begin("the second")
		wantCode(t, s.Client, "an old token", before, "UNAUTHENTICATED")
		wantCode(t, s.Client, "a new sign-in", s.Login("ada@example.com", servertest.Password), "")
	})
}
