package accounts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// crowded is an instance that lets five attempts of a network fail, a network, and an account of each number.
func crowded(t *testing.T, h *fixture, accountsOf int) (*fixture, func(n int, pw string) error) {
	limits := accounts.DefaultThrottle()
	limits.Network = 5
	h = h.throttled(limits)
	for n := range accountsOf {
		h.must(h.registerAt(nth(n), fmt.Sprintf("u%d@example.com", n)))
	}
	return h, func(n int, pw string) error {
		return errOf(h.loginAt(at("203.0.113.9"), fmt.Sprintf("u%d@example.com", n), pw))
	}
}

// TestThrottle_SuccessesOfANetworkAreNotCounted, however many there are and however long ago, and its failures are.
func TestThrottle_SuccessesOfANetworkAreNotCounted(t *testing.T) {
	for _, after := range []time.Duration{0, 10 * time.Second, 20 * time.Second, 10 * time.Minute} {
		eachDatabase(t, func(t *testing.T, h *fixture) {
			h, login := crowded(t, h, 8)
			for n := range 8 {
				check(t, login(n, goodPassword))
			}
			h.clock.move(after)
			passed := h.verifies(20, func(n int) error { return login(n%8, otherPassword) })
			if least := 4; passed > 5 || passed < least {
				t.Errorf("%v after 8 successes %d failures were let through, want %d or 5", after, passed, least)
			}
			h.clock.move(10 * time.Minute)
			testenv.Equal(t, 5, h.verifies(20, func(n int) error { return login(n%8, otherPassword) }), "later")
		})
	}
}

// TestThrottle_ASignInHoldsNoCounterOfItsNetwork while it is committed: others of the network would wait for the disk.
func TestThrottle_ASignInHoldsNoCounterOfItsNetwork(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		if !h.onPostgres() {
			return // counts are in memory
		}
		h, _ = crowded(t, h, 1)
		h, m := h.metered()
		free := func(longest time.Duration) (rows int) {
			check(t, h.raw.QueryRow(`SELECT count(*) FROM (SELECT FROM throttles WHERE until <= at + $1 * interval '1 second'
				FOR UPDATE SKIP LOCKED) AS held`, longest.Seconds()).Scan(&rows))
			return rows
		}
		var held []string
		m.before = func(_ int, statement string) error {
			if statement == "COMMIT" {
				held = append(held, fmt.Sprintf("%d free of networks, %d in all", free(64*time.Second), free(time.Hour)))
			}
			return nil
		}
		h.must(h.loginAt(at("203.0.113.9"), "u0@example.com", goodPassword))
		// The registration has left an account and a network. The charge holds both of its own, the sign-in the account.
		testenv.Equal(t, []string{"1 free of networks, 2 in all", "2 free of networks, 3 in all"}, held, "counters at each commit")
	})
}

// TestThrottle_SweepWritesManyOwedRefundsInFewStatements, and those of counters that another transaction holds the next
// time.
func TestThrottle_SweepWritesManyOwedRefundsInFewStatements(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		if !h.onPostgres() {
			return // counts are in memory
		}
		h, _ = crowded(t, h, 1)
		h, m := h.metered()
		const charged = `SELECT count(*) FROM throttles WHERE until = at + interval '64 seconds'`
		sweep := func() (statements int) {
			return len(m.count(func() { check(t, h.DeleteExpiredAttempts(t.Context())) }))
		}
		var statements []int
		for _, networks := range []int{2, 40} {
			h.exec("DELETE FROM throttles")
			for n := range networks {
				h.must(h.loginAt(nth(1000*networks+n), "u0@example.com", goodPassword))
			}
			testenv.Equal(t, networks, h.number(charged), "networks that have an attempt")
			tx := must(h.raw.Begin())
			must(tx.Exec(`SELECT FROM throttles WHERE until = at + interval '64 seconds' ORDER BY id LIMIT 1 FOR UPDATE`))
			statements = append(statements, sweep())
			testenv.Equal(t, 1, h.number(charged), "networks that have it still, because it is held")
			check(t, tx.Rollback())
			sweep()
			testenv.Equal(t, 0, h.number(charged), "networks afterwards")
		}
		testenv.Equal(t, statements[0], statements[1], "statements for 40 networks, and for 2")
	})
}

// number is what a query counts.
func (h *fixture) number(query string) (n int) {
	h.t.Helper()
	check(h.t, h.raw.QueryRow(query).Scan(&n))
	return n
}

// TestThrottle_AnAttemptThatWasNotChargedTakesNoRefunds: each statement of an attempt fails in its turn, as when its
// client goes away, and what others of the network are owed stays owed.
func TestThrottle_AnAttemptThatWasNotChargedTakesNoRefunds(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		if !h.onPostgres() {
			return // counts are in memory
		}
		h, _ = crowded(t, h, 8)
		h, m := h.metered()
		login := func(n int, pw string) error {
			return errOf(h.loginAt(at("203.0.113.9"), fmt.Sprintf("u%d@example.com", n%8), pw))
		}
		var failed []string
		for step := 1; ; step++ {
			for n := range 8 {
				if err := login(n, goodPassword); err != nil { // owed to the network
					t.Fatalf("after attempts that failed at %q: %v", failed[len(failed)-1], err)
				}
				m.before = func(number int, statement string) error {
					if number != step || statement == "COMMIT" { // which may have been done
						return nil
					}
					failed = append(failed, statement)
					return context.Canceled
				}
				statements := m.count(func() { login(n, otherPassword) })
				m.before = nil
				if strings.Contains(statements[len(statements)-1], `"users"`) { // the attempt is charged
					testenv.Equal(t, 3*8, len(failed), "failed: a read, BEGIN and the charge")
					return
				}
			}
			h.clock.move(2 * time.Hour)
		}
	})
}
