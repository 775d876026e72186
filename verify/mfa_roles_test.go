package verify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
)

// TestFeed_RolesThatWantASecondFactorAreOfTokensThatHaveOne, and of none when the next change names none, or when it does
// not say what all tokens have.
func TestFeed_RolesThatWantASecondFactorAreOfTokensThatHaveOne(t *testing.T) {
	g := newGatehouse(t)
	v := g.following()
	proved := g.claims()
	proved.AMR = token.Password.With(token.OneTimeCode)
	one, two := g.issue(), g.issueBy(g.issuer, proved)
	wantSoon(t, v, one, nil)
	roles := func(text string) string {
		read, err := v.Verify(t.Context(), text)
		if err != nil {
			return err.Error()
		}
		return strings.Join(read.Roles, " ")
	}
	for _, c := range []struct{ event, one, two string }{
		{`"roles":["USER"],"mfa_roles":["ADMIN","USER"]`, "USER", "ADMIN USER"},
		{`"roles":["GUEST"]`, "GUEST", "GUEST"},
		{`"roles":["USER"],"mfa_roles":[]`, "USER", ""},
		{`"mfa_roles":["ADMIN"]`, ErrRevoked.Error(), ErrRevoked.Error()},
	} {
		g.send("changed", fmt.Sprintf(`{"sub":%q,%s,"before":%d,"until":%d}`, theUser, c.event,
			g.clock.now().Add(time.Second).Unix(), g.until()))
		g.catchUp(v)
		testenv.Equal(t, []string{c.one, c.two}, []string{roles(one), roles(two)}, "after %s", c.event)
	}
}
