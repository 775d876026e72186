package e2e

import (
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRegister_ConfirmedAnswersTellNothing of an address: each byte of them is the same, whether it has an account or none,
// and so it is when the address has had too many mails.
func TestRegister_ConfirmedAnswersTellNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_THROTTLE=mail=9999,register=9999",
			"GATEHOUSE_REGISTRATION=confirmed")
		s.CreateAdmin()
		codes := map[string]int{}
		for try := range 4 {
			want := ""
			for _, address := range []string{servertest.AdminAddress, "new@example.com"} {
				a := s.Ask("", servertest.Registration(address))
				codes[a.Code()]++
				if want == "" {
					want = telling(a)
				}
				testenv.Equal(t, want, telling(a), "try %d: the answer for %s", try, address)
			}
		}
		testenv.Equal(t, map[string]int{"VERIFICATION_REQUIRED": 4, "RATE_LIMITED": 4}, codes, "codes")
	})
}

// TestRegister_ClosedServesAllElse: the Playground, the keys, and who is invited.
func TestRegister_ClosedServesAllElse(t *testing.T) {
	t.Parallel()
	s, mails := servertest.Start(t, "GATEHOUSE_REGISTRATION=closed"), servertest.Mailbox{}
	a := s.Ask("", servertest.Registration("ann@example.com"), "Accept", "application/graphql-response+json")
	testenv.Equal(t, []any{403, "FORBIDDEN"}, []any{a.Status, a.Code()}, "register")
	for _, path := range []string{"/", "/.well-known/jwks.json", "/.well-known/openid-configuration"} {
		testenv.Equal(t, 200, s.Get(path).Status, "%s", path)
	}
	s.Must(s.CreateAdmin(), `mutation { inviteUser(input: {email: "ann@example.com"}) { success } }`)
	link := mails.Next(t, "invitation", "ann@example.com", s.Client).Token(t)
	s.Must("", `mutation { acceptInvitation(input: {token: "`+link+`", password: "correct horse battery"}) { tokenType } }`)
}
