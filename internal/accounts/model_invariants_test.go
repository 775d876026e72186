package accounts_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	gatehouse "github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// tell passes what is new in the log of changes on to the instance that did not write it.
func (m *model) tell() {
	news := m.takeChanges()
	for _, s := range m.at {
		if s.deaf {
			s.deaf = m.chance(80)
			continue
		}
		if s != m.acting {
			s.HandleChanges(m.t.Context(), news)
		}
		s.SyncedUntil(time.Now())
	}
}

// holds compares everything with the model.
func (m *model) holds() {
	m.holdsRows()
	m.holdsRevocations()
	m.holdsNotices()
	m.holdsFactors()
	m.holdsTokens()
	dead := m.which(func(s *signIn) bool { return !m.isActive(s) && !s.known })
	if len(dead) > 0 {
		m.holdsViewer(oneOf(m, dead))
	}
	for _, s := range m.sessions {
		if s.known || m.isActive(s) {
			m.holdsViewer(s)
		}
		s.known = m.isActive(s)
	}
	gone := len(m.which(func(s *signIn) bool { return !s.row }))
	m.sessions = slices.DeleteFunc(m.sessions, func(s *signIn) bool {
		forget := !s.row && gone > 8
		if forget {
			gone--
		}
		return forget
	})
}

func (m *model) holdsRows() {
	ctx := m.t.Context()
	users := must(m.db.Client.User.Query().All(ctx))
	for _, p := range m.people {
		i := slices.IndexFunc(users, func(u *gatehouse.User) bool { return u.Email == p.email })
		if (i >= 0) != (p.id != uuid.Nil) {
			m.fail("%s has a row: %v", p.email, i >= 0)
		}
		if i >= 0 && (users[i].ID != p.id || !slices.Equal(users[i].Roles, p.roles()) || users[i].Status != p.status() ||
			(users[i].EraseAt != nil) != p.deleted() || users[i].EraseAt != nil && !users[i].EraseAt.Equal(p.eraseAt) || (users[i].Restorable != nil && *users[i].Restorable) != p.restorable ||
			users[i].EmailVerified != p.verified || provedEmail(users[i]) != p.proved || textOf(users[i].PendingEmail) != p.pending ||
			users[i].CredentialGeneration != p.credentials || users[i].FactorGeneration != p.factorChanges) {
			m.fail("%+v, want %+v", users[i], p)
		}
	}
	rows := must(m.db.Client.Session.Query().Order(session.ByID()).All(ctx))
	want := m.which(func(s *signIn) bool { return s.row })
	slices.SortFunc(want, func(a, b *signIn) int { return slices.Compare(a.id[:], b.id[:]) })
	if len(rows) != len(want) {
		m.fail("%d sessions have a row, want %d", len(rows), len(want))
	}
	for i, s := range want {
		newest := must(m.refresh.Parse(s.tokens[len(s.tokens)-1]))
		row := rows[i]
		if row.ID != s.id || row.UserID != s.user || s.user != s.of.id || row.RefreshGeneration != len(s.tokens)-1 || !newest.Matches(row.RefreshDigest) ||
			(row.EndedAt != nil) != s.ended || !row.CreatedAt.Equal(s.created) || !row.AuthenticatedAt.Equal(s.proved) ||
			row.Amr != s.shown.amr().String() || !row.IdleExpiresAt.Equal(s.idle) || !row.ExpiresAt.Equal(s.until) {
			m.fail("the session is\n%+v, want\n%+v", row, s)
		}
	}
}

func (p *person) status() string {
	switch {
	case p.deleted():
		return "DELETED"
	case p.suspended:
		return "SUSPENDED"
	}
	return "ACTIVE"
}

func provedEmail(u *gatehouse.User) bool {
	return u.EmailProvedGeneration != nil && *u.EmailProvedGeneration == u.CredentialGeneration
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func (m *model) holdsRevocations() {
	m.revoked = slices.DeleteFunc(m.revoked,
		func(r accounts.Revocation) bool { return !r.Until.After(m.now().Add(-5 * time.Second)) })
	got := must(oneOf(m, m.at[:]).Revocations(m.t.Context()))
	words := func(all []accounts.Revocation) (words []string) {
		for _, r := range all {
			if r.Until.After(m.now()) {
				words = append(words, fmt.Sprintf("%+v", r))
			}
		}
		slices.Sort(words)
		return words
	}
	if got, want := words(got), words(m.revoked); !slices.Equal(got, want) {
		m.fail("in force is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// holdsViewer asks every instance who calls with a session's first access token.
func (m *model) holdsViewer(s *signIn) {
	claims := token.Claims{UserID: s.user, SessionID: s.id, AuthenticatedAt: s.created}
	for i, at := range m.at {
		reads := at.reads
		v := must(at.Viewer(m.t.Context(), claims, viewer.Origin{}))
		if v.SignedIn() != m.isActive(s) {
			m.fail("instance %d: the session %s of %s lives: %v; signed in: %v (reads: %d)", i, s.id, s.of.email,
				m.isActive(s), v.SignedIn(), at.reads-reads)
		}
		if !v.SignedIn() {
			continue
		}
		if v.UserID != s.user || v.SessionID != s.id || !slices.Equal(v.Roles, s.of.roles()) || !v.AuthTime.Equal(s.proved) ||
			v.AMR != s.shown.amr() {
			m.fail("instance %d: the viewer of %s is %+v", i, s.of.email, v)
		}
		m.signedIn++
		if at.reads == reads {
			m.remembered++
		}
	}
}
