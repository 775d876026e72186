package e2e

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestRequestPasswordReset_AnswersTellNothing of an address: each byte of them is the same, whether it has an account, a
// suspended one or none, and so it is when the address has had too many mails.
func TestRequestPasswordReset_AnswersTellNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_THROTTLE=mail=9999")
		admin, ann, eve := s.CreateAdmin(), s.Register(), s.Register()
		s.Must(admin, `mutation { suspendUser(id: "`+eve.ID+`") { user { id } } }`)
		codes := map[string]int{}
		for try := range 4 {
			want := ""
			for _, address := range []string{ann.Email, eve.Email, servertest.AdminAddress, "nobody@example.com"} {
				a := s.Ask("", `mutation { requestPasswordReset(input: {email: "`+address+`"}) { success } }`)
				codes[a.Code()]++
				if want == "" {
					want = telling(a)
				}
				testenv.Equal(t, want, telling(a), "try %d: the answer for %s", try, address)
			}
		}
		if codes[""] != 8 || codes["RATE_LIMITED"] != 8 {
			t.Errorf("the answers are %v: half of them were to be refused", codes)
		}
	})
}

var secondsLeft = regexp.MustCompile(`("retryAfter":)[0-9]+`)

// telling is all of an answer but for what no two answers share: when it is, and for how long yet.
func telling(a servertest.Answer) string {
	h := a.Header.Clone()
	for _, name := range []string{"Date", "Retry-After", "X-Request-Id"} {
		if h.Get(name) != "" {
			h.Set(name, "")
		}
	}
	return fmt.Sprint(a.Status, h, secondsLeft.ReplaceAllString(a.Body, "$1"))
}
