package e2e

import (
	"cmp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// toldBy are the rows of the audit log that an owner is told of, and the mail that does.
var toldBy = map[string]string{
	"password_changed": "password_changed", "password_reset": "password_changed", "account_suspended": "account_suspended",
	"account_deleted": "account_deleted", "email_change_reverted": "email_changed", "factor_added": "factor_added",
	"factor_removed": "factor_removed", "recovery_codes_replaced": "recovery_codes_replaced",
	"access_token_created": "access_token_created",
}

// notices are the kinds of mail that tell what happened, and whether they have a link that secures the account.
var notices = map[string]bool{
	"new_device": true, "password_changed": true, "account_suspended": false, "account_leaving": false, "account_deleted": false,
	"email_changed": false, "factor_added": true, "factor_removed": true, "recovery_codes_replaced": true,
	"access_token_created": true,
}

// TestNotices_EachMutationTellsTheOwner runs each mutation of the schema for an account with a confirmed address: the
// owner gets the notice of what it left in the audit log, once, and no other.
func TestNotices_EachMutationTellsTheOwner(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		s := newPersonas(t, url, "GATEHOUSE_THROTTLE=account=9999,network=9999,register=9999,mail=9999") // devices have tokens
		seen := map[string]bool{}
		for _, f := range schema.Mutation.Fields {
			a, before := newAudited(s), map[string]bool{}
			a.succeed(schema, f, func() {
				servertest.Exec(t, s.db, "UPDATE users SET email_verified = true")
				a.waitForMails()
				for _, m := range s.Inbox(t) {
					before[m.ID] = true
				}
				a.note()
			})
			a.waitForMails()
			got := ""
			for _, m := range s.Inbox(t) {
				secures, isNotice := notices[m.Kind]
				if strings.HasSuffix(m.To, a.ann.Email) && !before[m.ID] && isNotice {
					got += m.Kind
					testenv.Equal(t, secures, strings.Contains(m.Text, "/secure#token="), "%s of %s: a link", m.Kind, f.Name)
				}
			}
			want := a.notice()
			if f.Name == "deleteAccount" { // whose owner is told until when they can have it again
				want = "account_leaving"
			}
			testenv.Equal(t, want, got, "the notices of %s", f.Name)
			seen[want] = true
		}
		testenv.Equal(t, 11, len(seen), "kinds of notice that were seen, and none: %v", seen)
	})
}

// waitForMails waits until all are sent.
func (a *auditedCase) waitForMails() {
	a.t.Helper()
	testenv.Eventually(a.t, "no mail is left", servertest.HangGuard, func() bool {
		n := 0
		servertest.Check(a.t, a.db.QueryRow("SELECT count(*) FROM jobs").Scan(&n))
		return n == 0
	})
}

// notice is the kind of the mail that tells of the new rows of the audit log. A sign-in is told when nothing else is.
func (a *auditedCase) notice() (kind string) {
	signIn := ""
	for _, r := range added(a.before, a.rows()) {
		kind = cmp.Or(kind, toldBy[r.kind])
		switch r.kind {
		case "account_created":
			return ""
		case "signed_in":
			signIn = "new_device"
		}
	}
	return cmp.Or(kind, signIn)
}
