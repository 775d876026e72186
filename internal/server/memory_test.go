package server

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// linux is the files of a system, by path, that say how much memory there is.
func linux(files map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text + "\n")}
	}
	return all
}

func TestMemory_IsWhatTheGroupOrTheMachineHas(t *testing.T) {
	const machine = "MemTotal:        8388608 kB\nMemFree:  1 kB"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing known": {nil, unknownMemory},
		"a machine":     {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, 2 << 30},
		"a container": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/",
			"sys/fs/cgroup/memory.max": "1073741824"}, 1 << 30 * 4 / 5},
		"a unit in a slice that has less": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "0::/a.slice/b.service",
			"sys/fs/cgroup/a.slice/memory.max": "536870912", "sys/fs/cgroup/a.slice/b.service/memory.max": "1073741824"}, 1 << 29 * 4 / 5},
		"version 1, under its path outside": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "4:memory:/docker/x\n0::/",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824"}, 1 << 30 * 4 / 5},
		"version 1, without a limit": {map[string]string{"proc/meminfo": machine, "proc/self/cgroup": "4:memory:/",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 2 << 30},
	} {
		c1 := &Config{Config: &config.Config{HashWorker: "off"}}
		testenv.Equal(t, c.want, c1.memoryFor(linux(c.files)), name)
	}
}

// TestMemory_PagesOfSQLiteAreNotGos: they are outside of Go's heap, in the same container.
func TestMemory_PagesOfSQLiteAreNotGos(t *testing.T) {
	forGo := func(url string) int64 {
		c := &Config{Config: &config.Config{HashWorker: "on", DatabaseURL: url}, hashingCost: password.DefaultCost}
		return c.memoryFor(group(1 << 30))
	}
	less := forGo("postgres://h/d") - forGo("sqlite:a.db")
	testenv.Equal(t, int64(database.SQLiteCacheBytes()), less, "what is taken off for a file")
}

// TestMemory_LimitLeavesRoomForGarbage, however little memory there is.
func TestMemory_LimitLeavesRoomForGarbage(t *testing.T) {
	for _, size := range []int64{16 << 20, 128 << 20, 1 << 30, 64 << 30} {
		c := &Config{Config: &config.Config{HashWorker: "on", DatabaseURL: "postgres://h/d"}, limits: querylimit.DefaultLimits()}
		b := c.budget(group(size))
		if live := int64(b.tokens + b.sessions); b.tokens < 1<<20 || b.sessions < b.tokens || live > b.limit*3/4 ||
			size >= 1<<30 && (live < size*2/5 || b.limit > size*4/5) {
			t.Errorf("%d MiB: %+v", size>>20, b)
		}
	}
}

// group is a container with so much memory.
func group(bytes int64) fstest.MapFS {
	return linux(map[string]string{"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": fmt.Sprint(bytes)})
}

// TestMemory_OfAGiBHoldsAMillionSessions: each is used once, and then they are used at random. 5,000 of them;
// 1,000,000 with TEST_LONG=users.
func TestMemory_OfAGiBHoldsAMillionSessions(t *testing.T) {
	many := map[bool]int{true: 1_000_000, false: 5_000}[testenv.Long("users")]
	c := &Config{Config: &config.Config{HashWorker: "on"}, limits: querylimit.DefaultLimits(), hashingCost: password.DefaultCost}
	limit := c.budget(group(1 << 30)).limit
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	s := open(t, Options{}, "GOMEMLIMIT=set", "GATEHOUSE_ACCESS_TTL=3h")
	fillSessions(t, s, many)
	s.accounts.SyncedUntil(time.Now().Add(time.Hour))
	inTurn(many, func(n int) { me(t, s, n) })
	sessions, tokens := s.accounts.Stats().SessionCache, s.tokens.Stats()
	asked := min(many, 100_000)
	inTurn(asked, func(int) { me(t, s, 1+rand.IntN(many)) })
	found, verified := s.accounts.Stats().SessionCache.Hits-sessions.Hits, s.tokens.Stats().Hits-tokens.Hits
	runtime.GC()
	resident := residentMiB(t)
	t.Logf("%d sessions: %d cached, %d of %d were found, and %d tokens; %d MiB resident", many,
		s.accounts.Stats().SessionCache.Sessions, found, asked, verified, resident)
	if float64(found) < 0.95*float64(asked) {
		t.Errorf("%d of %d sessions were found", found, asked)
	}
	if testenv.Long("users") && resident > int(limit>>20) {
		t.Errorf("%d MiB are resident, and the limit is %d", resident, limit>>20)
	}
}

func inTurn(many int, f func(n int)) {
	var all sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		all.Go(func() {
			for n := 1 + w; n <= many; n += workers {
				f(n)
			}
		})
	}
	all.Wait()
}

func numbered(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("%08x-0000-7000-8000-000000000000", n))
}

// fillSessions makes users with a session each, whose ids hold their numbers.
func fillSessions(t *testing.T, s *Server, many int) {
	t.Helper()
	const id = "printf('%08x-0000-7000-8000-000000000000', n)"
	series := fmt.Sprintf("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT n FROM s)", many)
	at := time.Now().UTC().Truncate(time.Second).Format("'2006-01-02 15:04:05+00:00'")
	end := time.Now().UTC().Add(time.Hour).Format("'2006-01-02 15:04:05+00:00'")
	tx, err := s.db.Client.Tx(t.Context())
	testenv.Check(t, err)
	for _, statement := range []string{
		"INSERT INTO users (id, email, password_hash, roles, status, created_at, updated_at) SELECT " + id +
			", 'user' || n || '@example.com', '', CAST('[\"USER\"]' AS BLOB), 'ACTIVE', " + at + ", " + at + " FROM " + series,
		"INSERT INTO sessions (id, user_id, refresh_digest, refresh_generation, authenticated_at, created_at, last_used_at, idle_expires_at," +
			" expires_at) SELECT " + id + ", " + id + ", x'00', 1, " + strings.Repeat(at+", ", 3) + end + ", " + end + " FROM " + series,
	} {
		_, err := tx.ExecContext(t.Context(), statement)
		testenv.Check(t, err)
	}
	testenv.Check(t, tx.Commit())
}

// me asks for the account of a user by a token that is the same each time.
func me(t *testing.T, s *Server, n int) {
	at := time.Now().Truncate(time.Hour)
	text, err := s.tokens.Issue(token.Claims{UserID: numbered(n), SessionID: numbered(n), ID: fmt.Sprintf("%022d", n),
		AuthenticatedAt: at, IssuedAt: at, ExpiresAt: at.Add(2 * time.Hour), Roles: []string{"USER"}})
	if err != nil {
		t.Error(err)
		return
	}
	claims, err := s.tokens.Verify(text)
	if err != nil {
		t.Error(err)
		return
	}
	v, err := s.accounts.Viewer(t.Context(), claims, viewer.Origin{})
	if err != nil || !v.SignedIn() {
		t.Errorf("user %d is not signed in: %v", n, err)
		return
	}
	if u, err := s.accounts.Me(t.Context(), &v); err != nil || u.ID != numbered(n) {
		t.Errorf("user %d is %v, %v", n, u, err)
	}
}

func residentMiB(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("this system does not say how much memory is resident")
	}
	kib, _ := strconv.Atoi(string(regexp.MustCompile(`VmRSS:\s*(\d+)`).FindSubmatch(text)[1]))
	return kib >> 10
}
