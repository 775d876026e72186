package e2e

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// series returns the values of a metric by the value of its only label.
func series(t *testing.T, p *servertest.Process, name string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, m := range regexp.MustCompile(`(?m)^`+name+`\{\w+="([^"]*)"\} (.+)$`).FindAllStringSubmatch(p.Metrics(), -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		testenv.Check(t, err)
		values[m[1]] = n
	}
	return values
}

func above0(values map[string]float64) []string {
	maps.DeleteFunc(values, func(_ string, n float64) bool { return n == 0 })
	return slices.Sorted(maps.Keys(values))
}

// TestMetrics_RefusedAttemptsNameTheirLimit has a server for each limit, where that one is 1 and the others are far. The
// same attempts at each move the number of that limit, and no other.
func TestMetrics_RefusedAttemptsNameTheirLimit(t *testing.T) {
	t.Parallel()
	names := accounts.ThrottleLimitNames()
	dbtest.Each(t, func(t *testing.T, url string) {
		for _, limit := range names {
			settings := make([]string, len(names))
			for i, name := range names {
				settings[i] = name + "=" + map[bool]string{true: "1", false: "1000000"}[name == limit]
			}
			p := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, servertest.Secret,
				"GATEHOUSE_OPS_ADDR=127.0.0.1:0", "GATEHOUSE_THROTTLE="+strings.Join(settings, ","))
			testenv.Equal(t, nil, above0(series(t, p, "gatehouse_attempts_refused_total")), "before, with %s", limit)
			for n := 0; n < 20 && len(above0(series(t, p, "gatehouse_attempts_refused_total"))) == 0; n++ {
				attemptAll(p) // right passwords wait for 62 ms at first
			}
			testenv.Equal(t, []string{limit}, above0(series(t, p, "gatehouse_attempts_refused_total")), "the limits that refused")
			if log := p.Log.String(); !strings.Contains(log, "msg=throttled") || !strings.Contains(log, "limit="+limit) {
				t.Errorf("no line says that %s refused:\n%s", limit, log)
			}
			p.Stop()
		}
	})
}

// attemptAll makes each kind of attempt, whatever is answered.
func attemptAll(p *servertest.Process) {
	address := servertest.NewAddress()
	answer := p.Ask("", servertest.Registration(address))
	p.Ask("", servertest.Registration(servertest.NewAddress()))
	p.Ask("", `mutation { requestPasswordReset(input: {email: "`+address+`"}) { success } }`)
	for _, pw := range []string{"a wrong password", servertest.Password} {
		for range 2 {
			p.Ask("", fmt.Sprintf(`mutation { login(input: {email: %q, password: %q}) { tokenType } }`, address, pw))
		}
	}
	p.Ask("", `mutation { refresh(input: {refreshToken: "none"}) { tokenType } }`)
	if answer.OK() {
		for range 2 {
			p.Ask(answer.Field("accessToken"), `mutation { reauthenticate(input: {password: "a wrong password"}) { expiresIn } }`)
		}
	}
}

// TestMetrics_CountRunsAndFailuresOfEachTask: every task runs, and none fails until their tables are gone. However often
// it fails, a line says so once a minute, and one that it is over.
func TestMetrics_CountRunsAndFailuresOfEachTask(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	p := servertest.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_THROTTLE=on")
	db := servertest.OpenDB(t, url)
	servertest.Exec(t, db, "UPDATE signing_keys SET sequence = sequence + 1") // which are then read again
	tasks := slices.Sorted(maps.Keys(series(t, p, "gatehouse_background_runs_total")))
	testenv.Eventually(t, "each task runs", servertest.HangGuard, func() bool {
		return slices.Equal(tasks, above0(series(t, p, "gatehouse_background_runs_total")))
	})
	testenv.Equal(t, nil, above0(series(t, p, "gatehouse_background_failures_total")), "failures before")
	away, began := dbtest.Tables(t, db), time.Now()
	for _, table := range away {
		servertest.Exec(t, db, "ALTER TABLE "+table+" RENAME TO away_"+table)
	}
	fails := slices.DeleteFunc(slices.Clone(tasks), func(task string) bool { // where there is nothing to read or write
		return strings.Contains(task, "log of changes") || strings.Contains(task, "record ")
	})
	testenv.Eventually(t, "each task fails", servertest.HangGuard, func() bool {
		failed := series(t, p, "gatehouse_background_failures_total")
		return failed["read the signing keys"] > 8 &&
			!slices.ContainsFunc(fails, func(task string) bool { return failed[task] == 0 })
	})
	testenv.Equal(t, 3, len(tasks)-len(fails), "tasks that do not need a table at each run")
	testenv.Eventually(t, "a line about the log", servertest.HangGuard, func() bool {
		return strings.Contains(p.Log.String(), "the log of changes cannot be read")
	})
	testenv.Equal(t, 0, p.Metric("gatehouse_ready"), "gatehouse_ready")
	for _, table := range away {
		servertest.Exec(t, db, "ALTER TABLE away_"+table+" RENAME TO "+table)
	}
	for _, task := range fails {
		testenv.Eventually(t, "a line that it is over", servertest.HangGuard, func() bool {
			return strings.Contains(p.Log.String(), `a background task succeeds again" task="`+task+`"`)
		})
		failed, _, _ := strings.Cut(p.Log.String(), `a background task succeeds again" task="`+task+`"`)
		lines := strings.Count(failed, `a background task failed; it is retried" task="`+task+`"`)
		if lines < 1 || lines > 1+int(time.Since(began)/time.Minute) {
			t.Errorf("%d lines about %q in %v", lines, task, time.Since(began))
		}
	}
}

// TestMetrics_SchemaVersionIsTheDatabases, which a newer program has migrated since.
func TestMetrics_SchemaVersionIsTheDatabases(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		p, db := startWithOps(t, url), servertest.OpenDB(t, url)
		var version float64
		testenv.Check(t, db.QueryRow("SELECT max(version_id) FROM gatehouse_db_version").Scan(&version))
		testenv.Equal(t, version, p.Metric("gatehouse_schema_version"), "version")
		servertest.Exec(t, db, fmt.Sprintf(
			"INSERT INTO gatehouse_db_version (version_id, is_applied) VALUES (%v, %v)", version+1, true))
		testenv.Eventually(t, "the newer version", servertest.HangGuard, func() bool {
			return p.Metric("gatehouse_schema_version") == version+1
		})
		testenv.Equal(t, 1, p.Metric("gatehouse_ready"), "gatehouse_ready")
	})
}

// expired makes rows of each table that is swept old by SQL. Those of the log of changes are old by the clock of a process.
var expired = map[string]string{
	"access_tokens": "INSERT INTO access_tokens (id, user_id, session_id, digest, name, scopes, created_at, expires_at) " +
		"SELECT id, id, id, '', '', '', now(), now() - interval '40 days' FROM users LIMIT 1",
	"audit_events": "INSERT INTO audit_events (id, kind, actor, omitted) " +
		"VALUES ('01000000-0000-7000-8000-000000000000', 'signed_in', 'USER', 0)",
	"audit_seals": "INSERT INTO audit_seals (id, since, until, kept, members, hashes, root, previous, key, signature) VALUES " +
		"(0, now(), now() - interval '400 days', now() - interval '370 days', '', '', '', '', '', '')",
	accounts.ChangesTable: "",
	"jobs": "INSERT INTO jobs (id, kind, args, attempt, due_at, created_at, failed_at) " +
		"VALUES (gen_random_uuid(), 'mail', '{}', 1, now(), now(), now() - interval '40 days')",
	"one_time_tokens": "INSERT INTO one_time_tokens (id, user_id, purpose, digest, address, created_at, expires_at) " +
		"VALUES (gen_random_uuid(), gen_random_uuid(), 'reset', '', '', now(), now() - interval '2 days')",
	"revocations": "UPDATE revocations SET until = until - interval '3 days'",
	"sessions":    "UPDATE sessions SET ended_at = ended_at - interval '40 days'",
	"throttles":   "UPDATE throttles SET at = at - interval '1 day', until = until - interval '1 day'",
	"totp_factors": "INSERT INTO totp_factors (id, user_id, confirmed, sealed, last_step, created_at) " +
		"SELECT gen_random_uuid(), id, false, '', 0, now() - interval '1 hour' FROM users",
}

// TestMetrics_RowsSweptAndAgeOfTheKey move with the rows.
func TestMetrics_RowsSweptAndAgeOfTheKey(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	p := servertest.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_THROTTLE=on")
	db := servertest.OpenDB(t, url)
	p.Logout(p.Register().Access)
	p.Ask("", `mutation { login(input: {email: "a@example.com", password: "a wrong password"}) { tokenType } }`)
	testenv.Equal(t, nil, above0(series(t, p, "gatehouse_rows_swept_total")), "before")
	var tables []string
	for _, table := range accounts.SweptTables() {
		statement, ok := expired[table]
		if testenv.Equal(t, true, ok, "%s is here", table); statement != "" {
			tables = append(tables, table)
			servertest.Exec(t, db, statement)
		}
	}
	slices.Sort(tables)
	testenv.Eventually(t, "rows are swept", servertest.HangGuard, func() bool {
		return slices.Equal(tables, above0(series(t, p, "gatehouse_rows_swept_total")))
	})
	if age := p.Metric("gatehouse_signing_key_age_seconds"); age <= 0 || age > 3600 {
		t.Errorf("the key is %v s old", age)
	}
	servertest.Exec(t, db, "UPDATE signing_keys SET signs_at = signs_at - interval '2 hours'")
	testenv.Eventually(t, "an older key", servertest.HangGuard, func() bool {
		return p.Metric("gatehouse_signing_key_age_seconds") > 7200
	})
}

// TestMetrics_TransactionsRunAndWait behind a row that somebody has locked.
func TestMetrics_TransactionsRunAndWait(t *testing.T) {
	t.Parallel()
	url := dbtest.Postgres(t)
	p, db := startWithOps(t, url), servertest.OpenDB(t, url)
	token := p.Register().Access
	tx, err := db.Begin()
	testenv.Check(t, err)
	defer tx.Rollback()
	_, err = tx.Exec("UPDATE users SET name = 'x'")
	testenv.Check(t, err)
	most, done := int(p.Metric("gatehouse_transactions_turns"))/2, make(chan servertest.Answer)
	for range most + 3 { // of one user, who may have half of the turns
		go func() { done <- p.Ask(token, `mutation { updateProfile(input: {name: "y"}) { user { name } } }`) }()
	}
	testenv.Eventually(t, "they run and wait", servertest.HangGuard, func() bool {
		return p.Metric("gatehouse_transactions_running") == float64(most) && p.Metric("gatehouse_transactions_waiting") == 3
	})
	testenv.Check(t, tx.Rollback())
	for range most + 3 {
		if a := <-done; !a.OK() {
			t.Error(a)
		}
	}
	testenv.Eventually(t, "none waits", servertest.HangGuard, func() bool { return p.Metric("gatehouse_transactions_waiting") == 0 })
}

// TestMetrics_ConnectionsAndQueuesAreThoseOfTheListener: connections count by what they are at, and there are turns.
func TestMetrics_ConnectionsAndQueuesAreThoseOfTheListener(t *testing.T) {
	t.Parallel()
	p := startWithOps(t, dbtest.SQLite(t))
	const idle, receiving = 3, 2
	for i := range idle + receiving {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
		testenv.Check(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n%s", map[bool]string{true: "\r\n"}[i < idle])
		testenv.Check(t, err)
	}
	testenv.Eventually(t, "they count", servertest.HangGuard, func() bool {
		open := series(t, p, "gatehouse_client_connections")
		return open["idle"] == idle && open["receiving"] == receiving && len(open) == 4
	})
	for _, name := range []string{"parsing_turns", "execution_turns", "client_connections_max"} {
		if p.Metric("gatehouse_"+name) < 1 {
			t.Errorf("%s: %v", name, p.Metric("gatehouse_"+name))
		}
	}
	for _, name := range []string{"parsing_waiting", "execution_waiting"} {
		testenv.Equal(t, map[string]float64{"signed in": 0, "anonymous": 0}, series(t, p, "gatehouse_"+name), name)
	}
}
