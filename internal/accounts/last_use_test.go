package accounts_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// TestWriteUses_OneStatementForManySessions: each gets its own time, address and user agent, and what is not known of a
// use stays as it was. A use that is older than the row, or of a session that is gone, changes nothing.
func TestWriteUses_OneStatementForManySessions(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.metered()
		agents := []string{"", `quotes " ' \ and {braces}`, "日本語 $1 ?"}
		var all []*accounts.AuthPayload
		for i := range 30 {
			all = append(all, h.must(h.register(fmt.Sprintf("u%d@example.com", i), goodPassword)))
		}
		h.clock.move(time.Hour)
		want := map[uuid.UUID]string{}
		for i, p := range all {
			h.clock.move(time.Second + time.Microsecond)
			from := viewer.Origin{Agent: agents[i%len(agents)]}
			if i%2 == 0 {
				from.IP = netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})
			}
			if v := must(h.Viewer(t.Context(), claimsOf(p), from)); !v.SignedIn() {
				t.Fatal("signed out")
			}
			want[p.Viewer.SessionID] = used(h.clock.Now(), cmp.Or(from.Address(), anonymous.Origin.Address()),
				cmp.Or(from.Agent, anonymous.Origin.Agent))
		}
		newer, gone := all[3].Viewer.SessionID, all[4].Viewer.SessionID
		later := h.clock.Now().Add(time.Minute).UTC().Truncate(time.Microsecond)
		row := h.db.Client.Session.UpdateOneID(newer).SetLastUsedAt(later).SaveX(t.Context())
		want[newer] = used(later, *row.IP, *row.UserAgent)
		h.db.Client.Session.DeleteOneID(gone).ExecX(t.Context())
		delete(want, gone)
		statements := m.count(func() { check(t, h.WriteUses(t.Context())) })
		testenv.Equal(t, 3, len(statements), "begin, update, commit: %q", statements)
		got := map[uuid.UUID]string{}
		for _, row := range h.db.Client.Session.Query().AllX(t.Context()) {
			got[row.ID] = used(row.LastUsedAt, *row.IP, *row.UserAgent)
		}
		wantEqual(t, "sessions", want, got)
		testenv.Equal(t, 0, len(m.count(func() { check(t, h.WriteUses(t.Context())) })), "statements for no use")
	})
}

func used(at time.Time, ip, agent string) string {
	return fmt.Sprint(at.UTC().Truncate(time.Microsecond), " ", ip, " ", agent)
}

// TestWriteUses_WaitsForNoRow: the other sessions' uses are written while one row is locked.
func TestWriteUses_WaitsForNoRow(t *testing.T) {
	h := newFixture(t, dbtest.Postgres(t))
	held, other := h.must(h.register(ada, goodPassword)), h.must(h.login(ada, goodPassword))
	h.clock.move(time.Hour)
	h.must(h.login(ada, goodPassword)) // writes no session of before
	for _, p := range []*accounts.AuthPayload{held, other} {
		must(h.Viewer(t.Context(), claimsOf(p), viewer.Origin{}))
	}
	tx := must(h.raw.Begin())
	must(tx.Exec("UPDATE sessions SET ip = ip WHERE id = $1", held.Viewer.SessionID))
	check(t, h.WriteUses(t.Context()))
	check(t, tx.Rollback())
	for p, want := range map[*accounts.AuthPayload]time.Time{held: startTime, other: h.clock.Now()} {
		at := h.db.Client.Session.GetX(t.Context(), p.Viewer.SessionID).LastUsedAt
		testenv.Equal(t, want.Truncate(time.Microsecond), at.UTC(), "last use")
	}
}

func TestSessions_LastUseIsWrittenOnceAMinute(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.remembering(0)
		p := h.must(h.register(ada, goodPassword))
		from := viewer.Origin{IP: netip.MustParseAddr("2001:db8::1"), Agent: "another program"}
		var written error
		use := func() (writes int) {
			for _, statement := range m.count(func() {
				v := must(h.Viewer(t.Context(), claimsOf(p), from))
				if !v.SignedIn() {
					t.Error("signed out")
				}
				written = h.WriteUses(t.Context())
			}) {
				if strings.HasPrefix(statement, "UPDATE") {
					writes++
				}
			}
			return writes
		}
		row := func() (time.Time, string, string) {
			s := h.db.Client.Session.GetX(t.Context(), p.Viewer.SessionID)
			return s.LastUsedAt.UTC(), *s.IP, *s.UserAgent
		}
		begun, ip, agent := row()
		if ip != "192.0.2.7" || agent != "the tests" {
			t.Errorf("signed in from %s with %s", ip, agent)
		}
		for range 3 {
			for range 3 {
				h.clock.move(19 * time.Second)
				wantEqual(t, "writes within a minute", 0, use())
			}
			h.clock.move(3 * time.Second)
			wantEqual(t, "writes after a minute", 1, use())
			at, ip, agent := row()
			if begun = begun.Add(time.Minute); !at.Equal(begun) || ip != "2001:db8::1" || agent != "another program" {
				t.Errorf("kept: %v from %s with %s; want %v", at, ip, agent, begun)
			}
		}
		m.before = func(_ int, statement string) error {
			if strings.HasPrefix(statement, "UPDATE") {
				return errInjected
			}
			return nil
		}
		h.clock.move(time.Minute)
		use() // a database that cannot be written to still lets read
		if !errors.Is(written, errInjected) {
			t.Errorf("written: %v", written)
		}
		m.before = nil
		check(t, h.WriteUses(t.Context()))
		if at, _, _ := row(); !at.Equal(begun.Add(time.Minute)) {
			t.Errorf("a use that could not be written at first is lost: %v", at)
		}
	})
}
