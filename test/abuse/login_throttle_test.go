package abuse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestLoginThrottle_AnswersWhenToComeAgain. The answer to too many guesses says when to come again,
// in header and body, and the same for every address.
func TestLoginThrottle_AnswersWhenToComeAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		begin := func() *servertest.Client {
			return servertest.Start(t, servertest.Secret, "GATEHOUSE_DATABASE_URL="+url,
				"GATEHOUSE_THROTTLE=account=3,pair=3").Client
		}
		one := begin()
		servers := []*servertest.Client{one, one}
		if strings.HasPrefix(url, "postgres") {
			servers[1] = begin()
		}
		one.RegisterAs("ann@example.com")
		refusals := map[string]string{}
		for _, address := range []string{"ann@example.com", "nobody@example.com"} {
			for i := range 5 {
				password := "not the password"
				if i == 4 {
					password = servertest.Password
				}
				var forged []string
				for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"} {
					forged = append(forged, name, fmt.Sprintf("203.0.113.%d", i))
				}
				a := servers[i%2].Ask("", fmt.Sprintf(`mutation { login(input: {email: %q, password: %q}) { tokenType } }`,
					address, password), forged...)
				answer := fmt.Sprint(a.Status, " ", a.Header.Get("Retry-After"), " ", a.Body)
				// a second may have passed
				answer = strings.NewReplacer(" 29 ", " 30 ", `"retryAfter":29`, `"retryAfter":30`).Replace(answer)
				want := `200  {"errors":[{"message":"The e-mail address or the password is wrong."`
				if i >= 3 {
					want = `429 30 {"errors":[{"message":"Too many attempts; wait as long as retryAfter says.","path":["login"],`
					refusals[answer] = address
				}
				if !strings.HasPrefix(answer, want) || i >= 3 &&
					!strings.Contains(answer, `"extensions":{"code":"RATE_LIMITED","retryAfter":30}`) {
					t.Errorf("%s, try %d: %s; want %s", address, i, answer, want)
				}
			}
		}
		testenv.Equal(t, 1, len(refusals), "different refusals: %q", refusals)
	})
}
