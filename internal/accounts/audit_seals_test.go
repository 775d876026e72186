package accounts_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// addAudited adds rows with a value in each column, a second after each other, the last a second ago.
func (h *fixture) addAudited(n int) (ids []uuid.UUID) {
	for i := range n {
		ids = append(ids, accounts.AuditID(h.clock.Now().Add(time.Duration(i-n)*time.Second), i))
	}
	addRows(h, n, func(i int) *ent.AuditEventCreate {
		id := uuid.New()
		return h.db.Client.AuditEvent.Create().SetID(ids[i]).SetKind("roles_changed").SetActor("USER").SetUserID(userOf(ids[i])).
			SetSessionID(id).SetActorID(actorOf(ids[i])).SetActorSessionID(id).SetOperator("").SetIP("192.0.2.1").SetUserAgent("<é>").
			SetRequestID("a").SetBefore("USER").SetAfter("ADMIN").SetDetail("b").SetOmitted(1).
			SetUserSalt(id[:]).SetActorSalt(id[:])
	}, h.db.Client.AuditEvent.CreateBulk)
	return ids
}

// userOf and actorOf are whom a row of addAudited names.
func userOf(row uuid.UUID) uuid.UUID  { row[15]++; return row }
func actorOf(row uuid.UUID) uuid.UUID { row[15]--; return row }

// sealHourly adds rows and seals them, once an hour.
func (h *fixture) sealHourly(seals, rows int) (ids []uuid.UUID) {
	h.t.Helper()
	for range seals {
		h.clock.move(time.Hour)
		ids = append(ids, h.addAudited(rows)...)
		check(h.t, h.SealAuditLog(h.t.Context()))
	}
	return ids
}

func (h *fixture) verifyAudit(known accounts.AuditCheck) (*accounts.VerifiedAudit, error) {
	return h.VerifyAuditLog(h.t.Context(), known)
}

// wantVerified wants so many rows in seals, and none that is in no seal.
func (h *fixture) wantVerified(what string, seals, rows int) *accounts.VerifiedAudit {
	h.t.Helper()
	v, err := h.verifyAudit(accounts.AuditCheck{})
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	wantEqual(h.t, what+": seals, rows, newer", []int{seals, rows, 0}, []int{v.Seals, v.Rows, v.Newer})
	return v
}

// wantFound wants a verification to fail with these words, a regular expression.
func (h *fixture) wantFound(what, words string) {
	h.t.Helper()
	if _, err := h.verifyAudit(accounts.AuditCheck{}); err == nil || !regexp.MustCompile(words).MatchString(err.Error()) {
		h.t.Errorf("%s: %v; want %q", what, err, words)
	}
}

// TestSealAuditLog_TakesWhatIsCommittedLate, once, and nothing that is committed later than that.
func TestSealAuditLog_TakesWhatIsCommittedLate(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		if _, err := h.verifyAudit(accounts.AuditCheck{}); err == nil {
			t.Error("a log without seals is verified")
		}
		h.sealHourly(2, 3)
		addAt := func(age time.Duration) uuid.UUID {
			id := accounts.AuditID(h.clock.Now().Add(-age), 7)
			check(t, h.db.Client.AuditEvent.Create().SetID(id).SetKind("signed_in").SetActor("USER").SetOmitted(0).Exec(t.Context()))
			return id
		}
		addAt(9 * time.Minute)
		check(t, h.SealAuditLog(t.Context()))
		wantEqual(t, "newer rows before a minute is over", 1, must(h.verifyAudit(accounts.AuditCheck{})).Newer)
		for i := range 12 {
			h.clock.move(time.Minute)
			check(t, h.SealAuditLog(t.Context()))
			h.wantVerified("later", 3+i/10, 7) // one with the row, and ten minutes later one without rows
		}
		added := addAt(24 * time.Minute)
		h.wantFound("too late", added.String())
		h.clock.move(time.Hour)
		check(t, h.SealAuditLog(t.Context()))
		h.wantFound("too late, after another seal", added.String())
	})
}

// TestSealAuditLog_OneOfManyInstancesMakesTheSeal.
func TestSealAuditLog_OneOfManyInstancesMakesTheSeal(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for round := range 5 {
			h.clock.move(time.Minute)
			h.addAudited(3)
			inParallel(4, func(int) {
				if err := h.instance(func(*accounts.Config) {}).SealAuditLog(t.Context()); err != nil {
					t.Error(err)
				}
			})
			h.wantVerified("sealed by one", round+1, 3*(round+1))
		}
	})
}

// TestDeleteOldAuditEvents_LeavesWhatIsVerified: rows and seals go by age, and then no other row may be missing.
func TestDeleteOldAuditEvents_LeavesWhatIsVerified(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h = h.instance(func(c *accounts.Config) { c.Retention = 24 * time.Hour })
		for hour := 1; hour <= 30; hour++ {
			h.sealHourly(1, 2)
			for range 2 { // also when what may go is gone
				check(t, h.DeleteOldAuditEvents(t.Context()))
				check(t, h.DeleteOldAuditSeals(t.Context()))
				_, err := h.verifyAudit(accounts.AuditCheck{})
				check(t, err)
			}
			testenv.Equal(t, min(hour, 24), h.rows("audit_seals"), "seals after %d hours", hour)
		}
		h.instance(func(c *accounts.Config) { c.Retention = time.Hour }).sweepAudit()
		if left := h.rows("audit_events"); left < 48 {
			t.Errorf("a shorter time deletes before a seal allows it: %d rows are left", left)
		}
		h.wantVerified("then", 24, 48)
		h.exec("DELETE FROM audit_seals WHERE id = (SELECT min(id) FROM audit_seals)")
		h.wantFound("a seal too many is gone", "the seals before 8 were taken away")
	})
}

func (h *fixture) sweepAudit() {
	h.t.Helper()
	check(h.t, h.DeleteOldAuditEvents(h.t.Context()))
	check(h.t, h.DeleteOldAuditSeals(h.t.Context()))
}

// signingWith returns an instance whose keys are these, of which the last signs.
func (h *fixture) signingWith(keys ...*token.Key) *fixture {
	h.t.Helper()
	var schedule []token.Scheduled
	for i, key := range keys {
		schedule = append(schedule, token.Scheduled{Key: key, SignsAt: startTime.Add(time.Duration(i) * time.Minute)})
	}
	return h.instance(func(c *accounts.Config) {
		c.Access = must(token.NewIssuer(token.Config{Keys: must(token.NewKeys(schedule...)), Issuer: "https://id.example.org",
			Audience: "gatehouse", TTL: accessTTL, Clock: h.clock.Now}))
	})
}

// TestVerifyAuditLog_TrustsKeysThatWereRotated, one after the other, and after a revocation those that the operator names.
func TestVerifyAuditLog_TrustsKeysThatWereRotated(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		var keys []*token.Key
		for _, algorithm := range []string{token.EdDSA, token.ES256, token.EdDSA, token.EdDSA} {
			keys = append(keys, must(token.GenerateKey(algorithm)))
		}
		h.signingWith(keys[0]).sealHourly(2, 2)
		h.signingWith(keys[0], keys[1]).sealHourly(2, 2)
		h.signingWith(keys[1], keys[2]).wantVerified("rotated, before the next seal", 4, 8)
		h.signingWith(keys[2]).wantFound("the signing key is gone", keys[1].ID())
		h.signingWith(keys[1], keys[2]).sealHourly(2, 2)
		h.signingWith(keys[2]).wantVerified("rotated", 6, 12)

		revoked := h.signingWith(keys[3])
		revoked.sealHourly(2, 2)
		revoked.wantFound("revoked", "a new chain begins with seal 7: seal 6 was signed by "+keys[2].ID())
		if _, err := revoked.verifyAudit(accounts.AuditCheck{Trusted: []string{keys[1].ID()}}); err == nil {
			t.Error("another key is trusted")
		}
		_, err := revoked.verifyAudit(accounts.AuditCheck{Trusted: []string{keys[2].ID()}})
		check(t, err)
		if !strings.Contains(h.log.String(), "the audit log begins a new chain of seals") {
			t.Error("no line in the log")
		}
	})
}

// TestVerifyAuditLog_FindsHistoryOfAnotherKey: who may write to the database, and has not the secret, makes all seals again.
func TestVerifyAuditLog_FindsHistoryOfAnotherKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.sealHourly(2, 2)
		known := h.wantVerified("before", 2, 4).Last
		forger := h.signingWith(must(token.GenerateKey(token.EdDSA)))
		h.exec("DELETE FROM audit_seals")
		h.exec("UPDATE audit_events SET kind = 'x'")
		check(t, forger.SealAuditLog(t.Context()))
		h.wantFound("forged", "which is no signing key")
		h.sealHourly(1, 1)
		h.wantFound("forged, and another seal made", "which is no signing key")

		h.exec("DELETE FROM audit_seals") // with the signing key, as a thief of the secret has it
		check(t, h.SealAuditLog(t.Context()))
		h.wantVerified("forged by a thief of the secret", 1, 5)
		for name, seal := range map[string]accounts.SealID{"gone": known, "another": {Number: 1, Hash: known.Hash}} {
			if _, err := h.verifyAudit(accounts.AuditCheck{Known: seal}); err == nil {
				t.Errorf("%s: a seal that is known to be another is not missed", name)
			}
		}
		last := h.wantVerified("the control", 1, 5).Last
		_, err := h.verifyAudit(accounts.AuditCheck{Known: last})
		check(t, err)
	})
}

// TestVerifyAuditLog_FindsSealThatWasFitted to the row that was changed: hash and root are those of the row.
func TestVerifyAuditLog_FindsSealThatWasFitted(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.sealHourly(2, 1)
		hash := func() string {
			row := h.db.Client.AuditEvent.Query().Order(ent.Asc("id")).FirstX(t.Context())
			if h.onPostgres() {
				return fmt.Sprintf(`'\x%x'`, accounts.AuditLeaf(row))
			}
			return fmt.Sprintf("x'%x'", accounts.AuditLeaf(row))
		}
		wantEqual(t, "seals that have the hash of the row", 1, h.rows("audit_seals WHERE hashes = "+hash()))
		h.exec("UPDATE audit_events SET kind = 'x' WHERE id = (SELECT id FROM audit_events ORDER BY id LIMIT 1)")
		h.wantFound("a row", "was changed: seal 1 has another hash")
		h.exec("UPDATE audit_seals SET hashes = " + hash() + ", root = " + hash() + " WHERE id = 1")
		h.wantFound("a row and its seal", "seal 1 was changed")
	})
}

// TestSealAuditLog_HundredThousandRows are verified in seconds, and a change among them found.
func TestSealAuditLog_HundredThousandRows(t *testing.T) {
	if !testenv.Long("seals") {
		t.Skip("seals a hundred thousand rows: TEST_LONG=seals")
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ids := h.addAudited(100_000)
		h.clock.move(time.Minute)
		took := func(what string, f func(context.Context) error) {
			began := time.Now()
			check(t, f(t.Context()))
			t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond))
		}
		took("sealed", h.SealAuditLog)
		took("nothing to seal", h.SealAuditLog)
		took("verified", func(context.Context) error {
			v, err := h.verifyAudit(accounts.AuditCheck{})
			wantEqual(t, "rows", 100_000, v.Rows+v.Newer)
			return err
		})
		h.exec("UPDATE audit_events SET omitted = 2 WHERE id = '" + ids[77_777].String() + "'")
		h.wantFound("a change", ids[77_777].String())
	})
}
