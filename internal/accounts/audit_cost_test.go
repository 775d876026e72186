package accounts_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestAuditLog_CostOfSignIns prints how many sign-ins a second there are with their rows in the audit log, and how many
// without: in rounds that alternate, beside 100,000 rows and an instance that seals them.
func TestAuditLog_CostOfSignIns(t *testing.T) {
	if !testenv.Long("audit") {
		t.Skip("takes minutes, to print figures: TEST_LONG=audit")
	}
	for _, cost := range []password.Cost{password.DefaultCost, cheap} {
		t.Run("argon2 "+cost.String(), func(t *testing.T) {
			eachDatabase(t, func(t *testing.T, h *fixture) {
				h.addAudited(100_000)
				h.config.OnEvent = func(context.Context, accounts.Event) {}
				h.config.Passwords = hasher(t, password.Config{Cost: cost})
				check(t, h.SealAuditLog(t.Context()))
				h.hastenTime()
				with, _ := h.metered()
				without, m := h.metered()
				m.before = func(_ int, statement string) error {
					if strings.HasPrefix(statement, "INSERT") && strings.Contains(statement, "audit_events") {
						return sql.ErrNoRows // as of a row that is there already
					}
					return nil
				}
				compareSignIns(t, with, without)
			})
		})
	}
}

// hastenTime moves the clock ten times as fast as time goes, and seals the audit log every minute of it.
func (h *fixture) hastenTime() {
	done, began := make(chan struct{}), time.Now()
	sealer := h.instance(func(*accounts.Config) {})
	go func() {
		defer close(done)
		for h.t.Context().Err() == nil {
			time.Sleep(5 * time.Millisecond)
			h.clock.set(startTime.Add(10 * time.Since(began)))
			if err := sealer.SealAuditLog(h.t.Context()); err != nil && h.t.Context().Err() == nil {
				h.t.Error(err)
			}
		}
	}()
	h.t.Cleanup(func() { <-done })
}

func compareSignIns(t *testing.T, with, without *fixture) {
	t.Helper()
	var emails []string
	for i := range 64 {
		emails = append(emails, fmt.Sprintf("user%d@example.com", i))
		must(with.Register(t.Context(), anonymous, accounts.RegisterInput{Email: emails[i], Password: goodPassword}))
	}
	var ratios []float64
	var all [2]signIns
	for range 40 {
		a, b := with.signInsOf(emails), without.signInsOf(emails)
		ratios = append(ratios, a.rate()/b.rate())
		all[0], all[1] = all[0].plus(a), all[1].plus(b)
	}
	slices.Sort(ratios)
	seals := with.db.Client.AuditSeal.Query().CountX(t.Context())
	t.Logf("%.0f sign-ins/s; with ÷ without rows %.3f (half of the rounds from %.3f to %.3f); %d seals", all[0].rate(),
		ratios[len(ratios)/2], ratios[len(ratios)/4], ratios[len(ratios)*3/4], seals)
	t.Logf("processor time of a sign-in, Postgres included: %.2f ms with and %.2f ms without", all[0].cost(), all[1].cost())
}

// signIns are many.
type signIns struct {
	n         int64
	took, cpu time.Duration
}

func (s signIns) rate() float64          { return float64(s.n) / s.took.Seconds() }
func (s signIns) cost() float64          { return s.cpu.Seconds() * 1e3 / float64(s.n) }
func (s signIns) plus(o signIns) signIns { return signIns{s.n + o.n, s.took + o.took, s.cpu + o.cpu} }

// signInsOf signs in for half a second with four clients, each as another account.
func (h *fixture) signInsOf(emails []string) (s signIns) {
	h.t.Helper()
	h.exec("DELETE FROM sessions")
	began, before, done := time.Now(), h.processorTime(), atomic.Int64{}
	inParallel(4, func(client int) {
		for i := client; time.Since(began) < 500*time.Millisecond; i += 4 {
			_, err := h.Login(h.t.Context(), anonymous, accounts.LoginInput{Email: emails[i%len(emails)], Password: goodPassword})
			if err != nil {
				h.t.Error(err)
				return
			}
			done.Add(1)
		}
	})
	return signIns{done.Load(), time.Since(began), h.processorTime() - before}
}

// processorTime is what this process has had, and the server's processes for this database.
func (h *fixture) processorTime() (sum time.Duration) {
	pids, err := column(h.t.Context(), h.raw, "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database()")
	if err != nil { // SQLite
		pids = nil
	}
	for _, pid := range append(pids, "self") {
		stat, err := os.ReadFile("/proc/" + pid + "/stat") // proc_pid_stat(5): fields 14 and 15, in hundredths of a second
		if err != nil {
			testenv.Missing(h.t, "/proc", "Linux tells there how long a process has run")
		}
		fields := strings.Fields(string(stat)[strings.LastIndexByte(string(stat), ')')+1:])
		for _, ticks := range fields[11:13] {
			sum += time.Duration(must(strconv.Atoi(ticks))) * 10 * time.Millisecond
		}
	}
	return sum
}
