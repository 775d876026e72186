package accounts_test

import (
	"strings"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
)

func (m *model) takeExport() {
	s := m.caller(anybody)
	want := m.refused(s)
	_, err := m.seat().ExportMyData(m.t.Context(), s.viewer())
	if !m.outcome(err, want, "exportMyData by %s, %s", s.of.email, s.id) {
		m.mailed()
		return
	}
	m.mailed(&link{purpose: token.Export, of: s.of, user: s.user, session: s.id, address: s.of.email})
}

// takeDownload follows the link of an export, which has the account that the model has, and no other address.
func (m *model) takeDownload() {
	l, want := m.someLink(token.Export)
	if want == "" && l.address != l.of.email {
		want = problem.InvalidToken
	}
	by, own := m.follower(l)
	if want == "" && l.of.hasFactor() && !own { // who reads the mailbox has not shown the second factor
		want = problem.Unauthenticated
	}
	got, err := m.seat().DownloadMyData(m.t.Context(), by, accounts.DownloadMyDataInput{Token: l.text})
	if !m.outcome(err, want, "downloadMyData of %s by %s", l.of.email, l.purpose) {
		return
	}
	l.used = true
	if !strings.Contains(got.JSON, `"`+l.of.email+`"`) || !strings.Contains(got.JSON, l.user.String()) {
		m.fail("the export of %s is %s", l.of.email, got.JSON)
	}
}
