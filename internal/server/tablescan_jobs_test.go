package server_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMaintenance_ReadsNoTableInWhole runs every periodic task on a database with many rows that are not due for it, in
// each table that grows, and has the database explain each statement. Only the counters of attempts, which are off
// here, are read in whole.
func TestMaintenance_ReadsNoTableInWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		r := newRecorder(t, url, manyUsers)
		r.addRest(manyUsers)
		jobs := r.server.Jobs()
		for name := range jobs {
			for _, found := range r.maintain(jobs[name]) {
				t.Errorf("%s: %s", name, found)
			}
		}
		r.exec("DROP INDEX onetimetoken_expires_at; DROP INDEX onetimetoken_purpose_expires_at") // the control
		r.exec("DROP INDEX totp_factors_begun")
		r.exec("DROP INDEX revocation_until; DROP INDEX users_erasures; DROP INDEX users_deleted; DROP INDEX jobs_failed")
		controls := []string{"delete old one-time tokens", "free former addresses", "delete expired revocations",
			"erase deleted accounts", "delete authenticator apps that were not confirmed"}
		if r.db.Shared() { // on SQLite a scan of jobs is not looked for: an export reads them
			controls = append(controls, "delete failed jobs")
		}
		for _, name := range controls {
			if len(r.maintain(jobs[name])) == 0 {
				t.Errorf("%s: nothing is found without the indexes for it", name)
			}
		}
	})
}

// maintain runs a task and returns what is wrong with its statements.
func (r *recorder) maintain(run func(context.Context) error) (wrong []string) {
	r.t.Helper()
	r.driver.statements = nil
	testenv.Check(r.t, run(r.t.Context()))
	for _, s := range r.driver.statements {
		if why := r.explain(s); why != "" {
			wrong = append(wrong, why+": "+s.text)
		}
	}
	return wrong
}

// addRest adds rows to the tables that grow beside those of users: tokens that have expired and are stored for a day
// still, authenticator apps of which a half is being set up, jobs that wait, revocations whose tokens have not expired,
// an erasure that has begun.
func (r *recorder) addRest(rows int) {
	r.t.Helper()
	id, bytes, from := r.series(rows)
	at := func(after time.Duration) string {
		return time.Now().UTC().Add(after).Format("'2006-01-02 15:04:05+00:00'")
	}
	r.exec("INSERT INTO one_time_tokens (id, user_id, purpose, digest, address, attempts, created_at, expires_at) SELECT " +
		id + ", " + id + ", 'verify', " + bytes + ", 'u' || n || '@example.com', 0, " +
		at(-25*time.Hour) + ", " + at(-time.Hour) + from)
	r.exec("INSERT INTO totp_factors (id, user_id, confirmed, sealed, last_step, created_at) SELECT " + id + ", " + id +
		", n % 2 = 0, " + bytes + ", 0, " + at(time.Hour) + from)
	r.exec("INSERT INTO jobs (id, kind, args, due_at, attempt, created_at) SELECT " +
		id + ", 'mail', '{}', " + at(-time.Hour) + ", 0, " + at(-time.Hour) + from)
	r.exec("INSERT INTO revocations (user_id, at, until) SELECT " +
		id + ", " + at(-time.Minute) + ", " + at(time.Hour) + from)
	r.exec(fmt.Sprintf("INSERT INTO erasures (id, addresses, created_at) SELECT %s, '[]', %s %s LIMIT 1", id, at(0), from))
	r.exec("UPDATE sessions SET idle_expires_at = " + at(time.Hour) + ", expires_at = " + at(time.Hour))
	if r.db.Shared() {
		r.exec("ANALYZE")
	}
}
