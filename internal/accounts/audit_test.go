package accounts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// auditLog returns the whole log as an administrator reads it, newest first.
func (h *fixture) auditLog(f *accounts.AuditFilter) (all []*accounts.AuditEvent) {
	h.t.Helper()
	check(h.t, h.WriteRefusals(h.t.Context()))
	for after := (*string)(nil); ; {
		page := must(h.AuditLog(h.t.Context(), accounts.Page{First: ptr(int32(7)), After: after}, f))
		for _, edge := range page.Edges {
			all = append(all, edge.Node)
		}
		if !page.PageInfo.HasNextPage {
			return all
		}
		after = page.PageInfo.EndCursor
	}
}

// checkRecorded holds the audit log against what was published: each event that a transaction had has a row.
func (h *fixture) checkRecorded(ctx context.Context) (broken []string) {
	rows, err := h.db.Client.AuditEvent.Query().All(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	recorded := map[accounts.EventKind]int{}
	for _, row := range rows {
		recorded[accounts.EventKind(row.Kind)]++
	}
	for kind, n := range h.published {
		if n > recorded[kind] && !slices.Contains(refusedKinds, kind) {
			broken = append(broken, fmt.Sprintf("%s was published %d times, and recorded %d times", kind, n, recorded[kind]))
		}
	}
	return broken
}

// refusedKinds are written later, all together.
var refusedKinds = []accounts.EventKind{accounts.SignInFailed, accounts.AttemptThrottled, accounts.ReauthenticationFailed,
	accounts.OperationDenied, accounts.SecondFactorFailed}

// TestAuditLog_SaysWhoDidWhat of a signed-in user, an administrator, the operator, the program and an anonymous client.
func TestAuditLog_SaysWhoDidWhat(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root := h.administrator("root@example.com").Viewer
		p := h.must(h.register(ada, goodPassword))
		user := p.Viewer
		as := func(v *viewer.Viewer) context.Context {
			v.Origin = viewer.Origin{IP: netip.MustParseAddr("192.0.2.9"), Agent: "an agent"}
			return viewer.With(requestid.Ensure(t.Context()), v)
		}
		type cause struct {
			actor           accounts.AuditActor
			by, session     *uuid.UUID
			operator        string
			from, requestID bool
		}
		for _, c := range []struct {
			kind accounts.EventKind
			do   func() error
			want cause
		}{
			{accounts.ProfileChanged, func() error {
				return errOf(h.UpdateProfile(as(user), user, accounts.ProfileChange{Name: ptr(ptr("Ada"))}))
			}, cause{accounts.ActorUser, &user.UserID, &user.SessionID, "", true, true}},
			{accounts.AccountSuspended, func() error { return errOf(h.SuspendUser(as(root), root, user.UserID)) },
				cause{accounts.ActorAdministrator, &root.UserID, &root.SessionID, "", true, true}},
			{accounts.AccountReinstated, func() error { return errOf(h.ReinstateUser(as(root), root, user.UserID)) },
				cause{accounts.ActorAdministrator, &root.UserID, &root.SessionID, "", true, true}},
			{accounts.SignInFailed, func() error {
				_, err := h.Login(as(viewer.Anonymous(viewer.Missing)), anonymous, accounts.LoginInput{Email: ada, Password: otherPassword})
				wantProblem(t, "login", err, "INVALID_CREDENTIALS", "")
				return nil
			}, cause{accounts.ActorAnonymous, nil, nil, "", true, true}},
			{accounts.PasswordChanged, func() error {
				ctx := accounts.AsOperator(t.Context(), "ops")
				return errOf(h.ResetAccount(ctx, must(h.AccountByEmail(ctx, ada)).User, otherPassword, false))
			}, cause{accounts.ActorOperator, nil, nil, "ops", false, false}},
			{accounts.KeysRotated, func() error {
				keys := must(accounts.NewSigningKeys(accounts.KeysConfig{Client: h.db.Client, Secrets: secretsOf(t, theSecret),
					TTL: accessTTL, OnEvent: h.config.OnEvent}))
				load(t, keys)
				return keys.Rotate(t.Context(), accounts.Rotation{})
			}, cause{actor: accounts.ActorSystem}},
		} {
			check(t, c.do())
			all := h.auditLog(&accounts.AuditFilter{Kind: ptr(string(c.kind))})
			if len(all) == 0 {
				t.Errorf("%s: no row", c.kind)
				continue
			}
			e := all[0]
			got := cause{e.Actor, e.ActorID, e.ActorSessionID, "", e.IP != nil && *e.IP == "192.0.2.9" && *e.UserAgent == "an agent",
				e.RequestID != nil}
			if e.Operator != nil {
				got.operator = *e.Operator
			}
			wantEqual(t, string(c.kind), c.want, got, cmp.AllowUnexported(cause{}))
			if c.kind != accounts.KeysRotated {
				wantEqual(t, string(c.kind)+": whom", user.UserID, e.OwnerID())
			}
		}
	})
}

// TestActivity_ShowsOwnersWhatIsTheirs: what happened to their account, where they and anonymous clients acted, and not from
// where an administrator did.
func TestActivity_ShowsOwnersWhatIsTheirs(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		root, user := h.administrator("root@example.com").Viewer, h.must(h.register(ada, goodPassword))
		root.Origin = viewer.Origin{IP: netip.MustParseAddr("192.0.2.99"), Agent: "the administrator's"}
		must(h.SuspendUser(viewer.With(requestid.Ensure(t.Context()), root), root, user.User.ID))
		shown := must(h.Activity(t.Context(), user.User, accounts.Page{})).Edges
		all := h.auditLog(&accounts.AuditFilter{UserID: &user.User.ID})
		wantEqual(t, "events", len(all), len(shown))
		for i, edge := range shown {
			e, whole := edge.Node, all[i]
			wantEqual(t, "id", whole.ID, e.ID)
			if whole.Actor == accounts.ActorUser {
				wantEqual(t, "one's own", whole, e)
				continue
			}
			if whole.IP == nil || whole.ActorID == nil || whole.RequestID == nil || e.IP != nil || e.UserAgent != nil ||
				e.ActorID != nil || e.ActorSessionID != nil || e.RequestID != nil || e.Actor != accounts.ActorAdministrator {
				t.Errorf("an administrator's: %+v of %+v", e, whole)
			}
			node := must(h.Node(t.Context(), user.Viewer, e.ID))
			wantEqual(t, "node", accounts.Node(e), node)
			wantEqual(t, "node of an administrator", accounts.Node(whole), must(h.Node(t.Context(), root, e.ID)))
		}
		bob := h.must(h.register("bob@example.com", goodPassword))
		wantEqual(t, "another's", nil, must(h.Node(t.Context(), bob.Viewer, all[0].ID)))
	})
}

// TestAuditLog_FiltersAndPages holds each combination of filters, forward and backward, against the rows themselves.
func TestAuditLog_FiltersAndPages(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ids := []uuid.UUID{uuid.New(), uuid.New()}
		n := 0
		addRows(h, 60, func(i int) *ent.AuditEventCreate {
			n++
			return h.db.Client.AuditEvent.Create().SetID(accounts.AuditID(startTime.Add(time.Duration(i)*time.Minute), n)).
				SetKind([]string{"signed_in", "roles_changed", "session_ended"}[i%3]).SetActor("USER").SetOmitted(0).
				SetUserID(ids[i%2]).SetActorID(ids[i/2%2])
		}, h.db.Client.AuditEvent.CreateBulk)
		all := h.auditLog(nil)
		wantEqual(t, "rows", 60, len(all))
		for mask := range 1 << 5 {
			given := func(bit int) bool { return mask>>bit&1 == 1 }
			f := &accounts.AuditFilter{}
			var want []*accounts.AuditEvent
			since, until := startTime.Add(10*time.Minute), startTime.Add(40*time.Minute)
			for _, e := range all {
				if (!given(0) || *e.UserID == ids[0]) && (!given(1) || *e.ActorID == ids[1]) && (!given(2) || e.Kind == "signed_in") &&
					(!given(3) || !e.OccurredAt.Before(since.Truncate(time.Millisecond))) &&
					(!given(4) || e.OccurredAt.Before(until.Truncate(time.Millisecond))) {
					want = append(want, e)
				}
			}
			if given(0) {
				f.UserID = &ids[0]
			}
			if given(1) {
				f.ActorID = &ids[1]
			}
			if given(2) {
				f.Kind = ptr("signed_in")
			}
			if given(3) {
				f.Since = &since
			}
			if given(4) {
				f.Until = &until
			}
			wantEqual(t, fmt.Sprintf("filter %05b", mask), want, h.auditLog(f))
			last := must(h.AuditLog(t.Context(), accounts.Page{Last: ptr(int32(3))}, f))
			for i, edge := range last.Edges {
				wantEqual(t, "the last", want[len(want)-len(last.Edges)+i], edge.Node)
			}
		}
		if len(all) == 0 || !slices.IsSortedFunc(all, func(a, b *accounts.AuditEvent) int { return b.OccurredAt.Compare(a.OccurredAt) }) {
			t.Error("not newest first")
		}
	})
}

// TestRefusals_AreBoundedWhateverIsSent: a flood of refused attempts from many networks writes few rows, which say how
// many there were; a flood from one leaves room for another.
func TestRefusals_AreBoundedWhateverIsSent(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		refuse := func(ip netip.Addr) {
			h.Denied(viewer.With(requestid.Ensure(t.Context()), &viewer.Viewer{UserID: uuid.New(), SessionID: uuid.New(),
				Origin: viewer.Origin{IP: ip}}), "Query.users")
		}
		const sent = 3000
		for range sent {
			refuse(netip.MustParseAddr("192.0.2.1"))
		}
		refuse(netip.MustParseAddr("192.0.2.2"))
		all := h.auditLog(nil)
		if !slices.ContainsFunc(all, func(e *accounts.AuditEvent) bool { return *e.IP == "192.0.2.2" }) {
			t.Error("a flood of one network hides another's attempt")
		}
		wantEqual(t, "attempts that rows tell of", sent+1, toldOf(all))
		wantEqual(t, "rows of the first", 20, len(all)-1)

		for i := range sent {
			refuse(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
		}
		all = h.auditLog(nil)
		if len(all) > 1021 || len(all) < 400 {
			t.Errorf("%d rows of %d attempts", len(all), 2*sent)
		}
		h.clock.move(10 * time.Minute)
		refuse(netip.MustParseAddr("192.0.2.3"))
		wantEqual(t, "attempts that rows tell of, in the end", 2*sent+2, toldOf(h.auditLog(nil)))
	})
}

func toldOf(all []*accounts.AuditEvent) (n int) {
	for _, e := range all {
		n += 1 + e.Omitted
	}
	return n
}

// TestAuditLog_HasRefusedTries: wrong passwords, and what the throttle refuses.
func TestAuditLog_HasRefusedTries(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		for range 7 {
			h.login(ada, otherPassword)
		}
		counts := map[string]int{}
		for _, e := range h.auditLog(nil) {
			counts[e.Kind]++
			if e.Kind == string(accounts.SignInFailed) && e.OwnerID() != p.User.ID ||
				e.Kind == string(accounts.AttemptThrottled) && (e.Detail == nil || *e.Detail != "account") {
				t.Errorf("%+v", e)
			}
		}
		wantEqual(t, "rows", map[string]int{"account_created": 1, "signed_in": 1, "sign_in_failed": 5, "attempt_throttled": 2}, counts)
	})
}

// TestExportAuditLog_HasEachEventOnce, oldest first, over several statements.
func TestExportAuditLog_HasEachEventOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		eventsAt(-time.Hour)(h, 2500)
		want := h.auditLog(nil)
		slices.Reverse(want)
		var out bytes.Buffer
		check(t, h.ExportAuditLog(t.Context(), &out, nil))
		var got []*accounts.AuditEvent
		for line := range strings.Lines(out.String()) {
			e := &accounts.AuditEvent{}
			check(t, json.Unmarshal([]byte(line), e))
			got = append(got, e)
		}
		wantEqual(t, "events", want, got)
		out.Reset()
		check(t, h.ExportAuditLog(t.Context(), &out, &accounts.AuditFilter{Since: ptr(startTime.Add(-time.Minute))}))
		wantEqual(t, "the last minute's", 2, strings.Count(out.String(), "\n"))
	})
}
