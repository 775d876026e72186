package accounts_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

// erase erases what rows say of users whose accounts are gone, and returns after the erasures have ended.
func (h *fixture) erase(users ...uuid.UUID) {
	h.t.Helper()
	for _, id := range users {
		check(h.t, h.db.Client.Erasure.Create().SetID(id).SetAddresses([]string{}).SetCreatedAt(h.clock.Now()).Exec(h.t.Context()))
	}
	check(h.t, h.EraseAccounts(h.t.Context()))
	wantEqual(h.t, "erasures before ten minutes are over", len(users), h.rows("erasures"))
	h.clock.move(10*time.Minute + time.Second)
	check(h.t, h.EraseAccounts(h.t.Context()))
	wantEqual(h.t, "erasures", 0, h.rows("erasures"))
}

// TestVerifyAuditLog_FindsEachSingleChangeOfErasedRows: of which one part is erased, the other one, or both.
func TestVerifyAuditLog_FindsEachSingleChangeOfErasedRows(t *testing.T) {
	eachDatabase(t, func(t *testing.T, f *fixture) {
		h, ids := tamperer{f}, f.sealHourly(3, 3)
		h.erase(userOf(ids[0]), actorOf(ids[4]), userOf(ids[8]), actorOf(ids[8]))
		v := h.wantErased("not sealed yet", 3)
		wantEqual(t, "rows, and receipts that are not sealed", []int{9, 4}, []int{v.Rows, v.Newer})
		check(t, h.SealAuditLog(t.Context()))
		h.wantVerified("the control", 4, 13)
		h.copy()
		h.tryRows(ids[0], ids[4], ids[8])
		for _, receipt := range h.auditLog(&accounts.AuditFilter{Kind: ptr("account_erased")}) {
			h.try("a receipt", "DELETE FROM audit_events WHERE id = '"+receipt.ID.String()+"'", receipt.ID.String()+" .* was taken away")
		}
		h.wantErased("the control, in the end", 3)
	})
}

func (h *fixture) wantErased(what string, rows int) *accounts.VerifiedAudit {
	h.t.Helper()
	v, err := h.verifyAudit(accounts.AuditCheck{})
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
	wantEqual(h.t, what+": erased", rows, v.Erased)
	return v
}

// TestVerifyAuditLog_FindsErasureWithoutReceipt: who may write to the database, and has not the secret, erases a row as the
// program does, without a receipt, or with one that is of another row, or that another key has signed.
func TestVerifyAuditLog_FindsErasureWithoutReceipt(t *testing.T) {
	eachDatabase(t, func(t *testing.T, f *fixture) {
		h, ids := tamperer{f}, f.sealHourly(2, 3)
		h.erase(userOf(ids[1]))
		h.wantErased("the control", 1)
		h.copy()
		without := func(row uuid.UUID) string { return "the row " + row.String() + " .* was erased without a receipt" }
		const change, receipts = "UPDATE audit_events SET detail = ", " WHERE kind = 'account_erased'"
		h.try("none", "DELETE FROM audit_events"+receipts, without(ids[1]))
		h.try("no text", change+"NULL"+receipts, without(ids[1]))
		h.try("of another row", change+"'B' || substr(detail, 2)"+receipts, without(ids[1]))
		h.try("half of it", change+"substr(detail, 1, 22)"+receipts, without(ids[1]))
		h.signingWith(must(token.GenerateKey(token.EdDSA))).erase(userOf(ids[2]))
		for range 3 {
			h.wantFound("of another key", without(ids[2]))
			h.clock.move(time.Minute)
			check(t, h.SealAuditLog(t.Context()))
		}
		if !strings.Contains(h.log.String(), "a receipt of an erasure is not genuine") {
			t.Error("no line in the log")
		}
	})
}

// TestEraseAccounts_RowsOfBeforeErasure: rows that a former version sealed by their lines stay verified, changes of them
// are found, and they are erased with a receipt.
func TestEraseAccounts_RowsOfBeforeErasure(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.clock.move(time.Hour)
		ids := h.addAudited(4)
		h.exec("UPDATE audit_events SET user_salt = NULL, actor_salt = NULL")
		check(t, h.SealLines(t.Context(), ids[:3]))
		h.clock.move(time.Minute)
		check(t, h.SealAuditLog(t.Context())) // with a row that a former version has written
		h.wantVerified("before", 2, 4)
		h.erase(userOf(ids[0]), actorOf(ids[0]), actorOf(ids[3]))
		h.wantErased("erased", 2)
		h.exec("UPDATE audit_events SET ip = '::1' WHERE id = '" + ids[0].String() + "'")
		h.wantFound("half erased", ids[0].String())
		h.exec("UPDATE audit_events SET ip = NULL")
		h.wantFound("another row", ids[1].String())
	})
}

// TestEraseAccounts_LeavesWhatIsOfOthers, in rows of one person who acts on another, and of nobody who does.
func TestEraseAccounts_LeavesWhatIsOfOthers(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ann, bob := uuid.New(), uuid.New()
		row := func(user, actor *uuid.UUID) uuid.UUID {
			id := accounts.AuditID(h.clock.Now(), h.rows("audit_events"))
			check(t, h.db.Client.AuditEvent.Create().SetID(id).SetKind("roles_changed").SetActor("USER").SetOmitted(0).
				SetNillableUserID(user).SetNillableActorID(actor).SetBefore("b").SetAfter("a").SetIP("192.0.2.1").
				SetUserSalt(id[:]).SetActorSalt(id[:]).Exec(t.Context()))
			return id
		}
		wants := map[uuid.UUID]string{
			row(&ann, &ann): "", row(&ann, nil): "", row(nil, &ann): "",
			row(&ann, &bob): "actor", row(&bob, &ann): "user", row(&bob, nil): "user actor", row(nil, nil): "user actor",
		}
		h.erase(ann)
		for id, want := range wants {
			e := h.db.Client.AuditEvent.GetX(t.Context(), id)
			var left []string
			if e.After != nil && e.Before != nil && e.UserErased == nil && e.UserSalt != nil {
				left = append(left, "user")
			}
			if e.IP != nil && e.ActorErased == nil && e.ActorSalt != nil {
				left = append(left, "actor")
			}
			wantEqual(t, fmt.Sprint("left of ", e), want, strings.Join(left, " "))
		}
	})
}

// TestEraseAccounts_StepsOfManyInstances erase each row once, also when some of them are cut off.
func TestEraseAccounts_StepsOfManyInstances(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ids := h.sealHourly(1, 450)
		ann := uuid.New()
		h.exec(fmt.Sprintf("UPDATE audit_events SET user_id = '%s'", ann))
		h.exec("DELETE FROM audit_seals")
		h.clock.move(time.Minute)
		check(t, h.SealAuditLog(t.Context()))
		check(t, h.db.Client.Erasure.Create().SetID(ann).SetAddresses([]string{}).SetCreatedAt(h.clock.Now()).Exec(t.Context()))
		inParallel(3, func(int) {
			if err := h.instance(func(*accounts.Config) {}).EraseAccounts(t.Context()); err != nil {
				t.Error(err)
			}
		})
		check(t, h.EraseAccounts(t.Context()))
		h.wantErased("all", len(ids))
		receipts := h.auditLog(&accounts.AuditFilter{Kind: ptr("account_erased")})
		wantEqual(t, "receipts", 5, len(receipts))
		rows := 0
		for _, r := range receipts {
			rows += must(strconv.Atoi(*r.After))
		}
		wantEqual(t, "rows of receipts", len(ids), rows)
	})
}
