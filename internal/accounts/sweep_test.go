package accounts_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/migrate"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// growth says for each table why it does not grow for ever.
var growth = map[string]growing{
	"sessions": {sweep: (*accounts.Service).DeleteOldSessions, expired: oldSessions, kept: liveSessions},
	"revocations": {sweep: (*accounts.Service).DeleteExpiredRevocations, expired: revocationsUntil(-25 * time.Hour),
		kept: revocationsUntil(time.Minute)},
	"one_time_tokens": {sweep: (*accounts.Service).DeleteOldOneTimeTokens, expired: oneTimeTokensUntil(-25 * time.Hour),
		kept: oneTimeTokensUntil(-23 * time.Hour)},
	"access_tokens": {sweep: (*accounts.Service).DeleteOldAccessTokens, expired: accessTokensUntil(-time.Second - accounts.SessionRetention),
		kept: accessTokensUntil(time.Hour - accounts.SessionRetention)},
	"throttles": {sweep: (*accounts.Service).DeleteExpiredAttempts, expired: attemptsUntil(-time.Second),
		kept: attemptsUntil(time.Second)},
	"jobs": {sweep: (*accounts.Service).DeleteFailedJobs,
		expired: failedJobs(accounts.FailedJobRetention + time.Second), kept: freshJobs},
	"audit_events": {sweep: (*accounts.Service).DeleteOldAuditEvents, expired: eventsAt(-366 * 24 * time.Hour),
		kept: eventsAt(-364 * 24 * time.Hour)},
	"audit_seals": {sweep: (*accounts.Service).DeleteOldAuditSeals, expired: sealsUntil(-366 * 24 * time.Hour),
		kept: sealsUntil(-364 * 24 * time.Hour)},
	"totp_factors":   {sweep: (*accounts.Service).DeleteUnconfirmedTotpFactors, expired: oldApps, kept: liveApps},
	"passkeys":       {bounded: "users: maxPasskeys of each, which go with the account"},
	"recovery_codes": {bounded: "users: ten of each, which go with the account"},
	"addresses":      {bounded: "users: each goes with its account"},
	"users":          {bounded: "people: each account until it is deleted"},
	"erasures":       {bounded: "accounts of the last minutes: EraseAccounts deletes each when nothing of its user is left"},
	"settings":       {bounded: "the program: a row for each name in its source"},
	"signing_keys":   {bounded: "RotateEvery: SigningKeys.Maintain deletes a key a day after it ended"},
}

// growing is a table whose rows a sweep deletes, or that something else bounds.
type growing struct {
	sweep         func(*accounts.Service, context.Context) error
	expired, kept func(h *fixture, n int) // add rows
	bounded       string
}

// TestSweep_EveryTableIsBounded: each table of the schema has a verdict, and a sweep deletes all that has expired, in
// steps, also beside another instance and with rows locked, and nothing else.
func TestSweep_EveryTableIsBounded(t *testing.T) {
	for _, table := range migrate.Tables {
		g, ok := growth[table.Name]
		swept := slices.Contains(accounts.SweptTables(), table.Name)
		if !ok || swept != (g.sweep != nil) || swept != (g.bounded == "") {
			t.Errorf("%s: say in growth which sweep deletes its rows, or what bounds it", table.Name)
		}
	}
	testenv.Equal(t, len(migrate.Tables), len(growth), "tables with a verdict")
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		for name, g := range growth {
			if g.sweep == nil || name == "throttles" && !h.onPostgres() { // in memory
				continue
			}
			swept := 0
			h := h.instance(func(c *accounts.Config) { c.OnSwept = func(_ string, rows int) { swept += rows } })
			before := h.rows(name)
			g.expired(h, 2500)
			g.kept(h, 7)
			check(t, g.sweep(h.Service, t.Context()))
			for range 3 { // a session's sweep looks at a thousand rows a call
				check(t, g.sweep(h.Service, t.Context()))
			}
			testenv.Equal(t, before+7, h.rows(name), "%s: rows left", name)
			testenv.Equal(t, 2500, swept, "%s: rows reported", name)
		}
	})
}

// TestSweep_WaitsForItsTurnAndRests: while a step of one sweep has the only turn, no sweep deletes anything.
func TestSweep_WaitsForItsTurnAndRests(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		h = h.instance(func(c *accounts.Config) { c.Transactions = 1 })
		h.must(h.register(ada, goodPassword))
		sweeps := map[string]func(context.Context) error{"changes": func(ctx context.Context) error {
			return h.Sweep(ctx, "changes", func(context.Context) (int, error) { t.Error("beside another"); return 0, nil })
		}}
		for name, g := range growth {
			if g.sweep != nil && (name != "throttles" || h.onPostgres()) {
				g.expired(h, 5)
				sweeps[name] = func(ctx context.Context) error { return g.sweep(h.Service, ctx) }
			}
		}
		const steps, took = 5, 20 * time.Millisecond
		step, began := 0, time.Now()
		check(t, h.Sweep(t.Context(), "changes", func(context.Context) (int, error) {
			step++
			for name, sweep := range sweeps {
				ctx, cancel := context.WithTimeout(t.Context(), took/10)
				if before := h.rows(name); sweep(ctx) == nil || h.rows(name) != before {
					t.Errorf("%s: not refused, %d of %d rows left", name, h.rows(name), before)
				}
				cancel()
			}
			time.Sleep(took)
			return steps - step, nil
		}))
		if all := time.Since(began); all < (2*steps-1)*took {
			t.Errorf("%d steps of at least %v took %v, want as long again for rests", steps, took, all)
		}
		delete(sweeps, "changes")
		for name, sweep := range sweeps {
			before := h.rows(name)
			check(t, sweep(t.Context()))
			testenv.Equal(t, before-5, h.rows(name), "%s: rows left when it had its turn", name)
		}
	})
}

// TestSweep_WaitsForNoRow: instances sweep simultaneously while a transaction holds one of the rows.
func TestSweep_WaitsForNoRow(t *testing.T) {
	h := newFixture(t, dbtest.Postgres(t))
	h.must(h.register(ada, goodPassword))
	oldSessions(h, 1500)
	tx := must(h.raw.Begin())
	must(tx.Exec("UPDATE sessions SET ip = '::1' WHERE id = (SELECT id FROM sessions ORDER BY id DESC LIMIT 1)"))
	inParallel(3, func(int) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		other := h.instance(func(*accounts.Config) {})
		check(t, other.DeleteOldSessions(ctx))
		check(t, other.DeleteOldSessions(ctx))
	})
	testenv.Equal(t, 2, h.rows("sessions"), "rows left: the one that is held, and a live one")
	check(t, tx.Rollback())
	check(t, h.DeleteOldSessions(t.Context()))
	testenv.Equal(t, 1, h.rows("sessions"), "rows left afterwards")
}

func (h *fixture) rows(table string) (n int) {
	h.t.Helper()
	check(h.t, h.raw.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// oldSessions ended, for each of the reasons, just long enough ago.
func oldSessions(h *fixture, n int) {
	const long, later = -accounts.SessionRetention - time.Second, time.Hour
	h.addSessions(n, ends{idle: long, life: later}, ends{idle: later, life: long},
		ends{idle: later, life: later, ended: long})
}

// liveSessions live, or ended not quite as long ago.
func liveSessions(h *fixture, n int) {
	const recently, later = -accounts.SessionRetention + time.Minute, time.Hour
	h.addSessions(n, ends{idle: recently, life: later}, ends{idle: later, life: recently},
		ends{idle: later, life: later, ended: recently}, ends{idle: later, life: later})
}

// ends are when a session ends, from now.
type ends struct{ idle, life, ended time.Duration }

func (h *fixture) addSessions(n int, kinds ...ends) {
	now, user := h.clock.Now().UTC().Truncate(time.Microsecond), h.db.Client.User.Query().FirstIDX(h.t.Context())
	addRows(h, n, func(i int) *ent.SessionCreate {
		end, id := kinds[i%len(kinds)], must(uuid.NewV7())
		row := h.db.Client.Session.Create().SetID(id).SetUserID(user).SetRefreshDigest(append(id[:], id[:]...)).
			SetRefreshGeneration(0).SetAuthenticatedAt(now).SetAmr("pwd").SetCreatedAt(now).SetLastUsedAt(now).
			SetIdleExpiresAt(now.Add(end.idle)).SetExpiresAt(now.Add(end.life))
		if end.ended != 0 {
			row.SetEndedAt(now.Add(end.ended))
		}
		return row
	}, h.db.Client.Session.CreateBulk)
}

func revocationsUntil(end time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		addRows(h, n, func(int) *ent.RevocationCreate {
			return h.db.Client.Revocation.Create().SetUserID(uuid.New()).SetSessionID(uuid.New()).SetAt(startTime).
				SetUntil(h.clock.Now().UTC().Add(end))
		}, h.db.Client.Revocation.CreateBulk)
	}
}

func eventsAt(age time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		addRows(h, n, func(i int) *ent.AuditEventCreate {
			return h.db.Client.AuditEvent.Create().SetID(accounts.AuditID(h.clock.Now().Add(age), i)).SetKind("signed_in").
				SetActor("USER").SetOmitted(0)
		}, h.db.Client.AuditEvent.CreateBulk)
	}
}

func sealsUntil(age time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		now, none, next := h.clock.Now().UTC(), []byte{}, h.rows("audit_seals")
		addRows(h, n, func(i int) *ent.AuditSealCreate {
			return h.db.Client.AuditSeal.Create().SetID(next + i + 1).SetSince(startTime).SetUntil(now.Add(age)).
				SetKept(now.Add(-365 * 24 * time.Hour)).SetMembers(none).SetHashes(none).SetRoot(none).SetPrevious(none).
				SetKey("").SetSignature(none)
		}, h.db.Client.AuditSeal.CreateBulk)
	}
}

func attemptsUntil(end time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		addRows(h, n, func(int) *ent.ThrottleCreate {
			return h.db.Client.Throttle.Create().SetID(uuid.New()).SetAt(startTime).SetUntil(h.clock.Now().UTC().Add(end))
		}, h.db.Client.Throttle.CreateBulk)
	}
}

func oneTimeTokensUntil(end time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		addRows(h, n, func(int) *ent.OneTimeTokenCreate {
			return h.db.Client.OneTimeToken.Create().SetID(uuid.New()).SetUserID(uuid.New()).SetPurpose("reset").
				SetDigest([]byte{1}).SetAddress(ada).SetCreatedAt(startTime).SetExpiresAt(h.clock.Now().UTC().Add(end))
		}, h.db.Client.OneTimeToken.CreateBulk)
	}
}

func accessTokensUntil(end time.Duration) func(*fixture, int) {
	return func(h *fixture, n int) {
		owner := h.db.Client.User.Query().FirstIDX(h.t.Context())
		addRows(h, n, func(int) *ent.AccessTokenCreate {
			id := uuid.New()
			return h.db.Client.AccessToken.Create().SetID(id).SetUserID(owner).SetSessionID(id).SetDigest(id[:]).SetName("a program").
				SetScopes("account:read").SetCreatedAt(startTime).SetExpiresAt(h.clock.Now().UTC().Add(end))
		}, h.db.Client.AccessToken.CreateBulk)
	}
}

// oldApps were begun long enough ago, and not confirmed.
func oldApps(h *fixture, n int) { h.addApps(n, 31*time.Minute, false) }

// liveApps were begun just now, or are confirmed.
func liveApps(h *fixture, n int) {
	h.addApps(n/2, 29*time.Minute, false)
	h.addApps(n-n/2, 31*time.Minute, true)
}

// addApps adds apps of so many more users.
func (h *fixture) addApps(n int, age time.Duration, confirmed bool) {
	at, users := h.clock.Now().UTC().Add(-age), make([]uuid.UUID, n)
	addRows(h, n, func(i int) *ent.UserCreate {
		users[i] = must(uuid.NewV7())
		return h.db.Client.User.Create().SetID(users[i]).SetEmail(users[i].String() + "@example.com").
			SetPasswordHash("$argon2id$v=19$").SetRoles([]string{"USER"}).SetStatus("ACTIVE").SetCreatedAt(at).SetUpdatedAt(at)
	}, h.db.Client.User.CreateBulk)
	addRows(h, n, func(i int) *ent.TotpFactorCreate {
		return h.db.Client.TotpFactor.Create().SetID(uuid.New()).SetUserID(users[i]).SetConfirmed(confirmed).
			SetSealed([]byte{1}).SetCreatedAt(at)
	}, h.db.Client.TotpFactor.CreateBulk)
}

// addRows adds rows, few enough at a time for one statement.
func addRows[R any, B interface{ Exec(context.Context) error }](h *fixture, n int, row func(int) R, bulk func(...R) B) {
	h.t.Helper()
	rows := make([]R, n)
	for i := range rows {
		rows[i] = row(i)
	}
	for some := range slices.Chunk(rows, 500) {
		check(h.t, bulk(some...).Exec(h.t.Context()))
	}
}
