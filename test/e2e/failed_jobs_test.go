package e2e

import (
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestMailCommands_ListAndRetryWhatFailed, and the metrics of a server count it.
func TestMailCommands_ListAndRetryWhatFailed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		p, db := startWithOps(t, url), servertest.OpenDB(t, url)
		want := func(code int, says string, args ...string) {
			t.Helper()
			o := p.RunCommand("", append([]string{"mail"}, args...)...)
			if o.Code != code || !strings.Contains(o.Stdout+o.Stderr, says) {
				t.Errorf("mail %v: %+v; want %d and %q", args, o, code, says)
			}
		}
		counts := func(waiting, failed float64) {
			t.Helper()
			testenv.Equal(t, waiting, p.Metric("gatehouse_jobs_waiting"), "waiting")
			testenv.Equal(t, failed, p.Metric("gatehouse_jobs_failed"), "failed")
			testenv.Equal(t, waiting > 0, p.Metric("gatehouse_jobs_oldest_seconds") > 0, "since some time")
		}
		want(cli.ExitDone, "No job was given up.", "list")
		counts(0, 0)
		ids := []string{"0190a0b0-0000-7000-8000-000000000001", "0190a0b0-0000-7000-8000-000000000002"}
		for _, id := range ids {
			servertest.Exec(t, db, `INSERT INTO jobs (id, kind, args, attempt, due_at, created_at, failed_at, last_error)
				VALUES ('`+id+`', 'of a test', '{}', 18, '2026-01-02 00:00:00+00:00', '2026-01-01 00:00:00+00:00',
				'2999-01-02 00:00:00+00:00', '550 no such mailbox')`)
		}
		for _, id := range ids {
			want(cli.ExitDone, id+"  of a test  2026-01-01T00:00:00Z  2999-01-02T00:00:00Z  18        550 no such mailbox", "list")
		}
		counts(0, 2)
		want(cli.ExitFailed, "no job of this id", "retry", "0190a0b0-0000-7000-8000-000000000003")
		want(cli.ExitUsage, "no id of a job", "retry", "00000000-0000-0000-0000-000000000000")
		want(cli.ExitUsage, "say which", "retry", ids[0], "--all")
		counts(0, 2)
		want(cli.ExitDone, "Jobs that are tried again: 1.", "retry", ids[0])
		counts(1, 1)
		want(cli.ExitDone, "Jobs that are tried again: 1.", "retry", "--all")
		counts(2, 0)
	})
}
