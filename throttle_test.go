package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestGuessesAreRefusedAtTheFrontDoor. The answer to whoever guesses too often says when to come
// again, in header and body, and the same to everybody.
func TestGuessesAreRefusedAtTheFrontDoor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, url string) {
		secret := "GATEHOUSE_SECRET=" + strings.Repeat("one secret ", 4)
		begin := func() *instance {
			return start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_SECRET_FILE=", secret, "GATEHOUSE_THROTTLE=account=3,pair=3")
		}
		one := begin()
		servers := []*instance{one, one}
		if strings.HasPrefix(url, "postgres") {
			servers[1] = begin()
		}
		const register = `mutation { register(input: {email: "ann@example.com", password: "correct horse battery"}) { user { email } } }`
		if _, body := post(t, one.URL, register); !strings.Contains(body, `"ann@example.com"`) {
			t.Fatalf("register: %s", body)
		}
		refusals := map[string]string{}
		for _, address := range []string{"ann@example.com", "nobody@example.com"} {
			for i := range 5 {
				password := "not the password"
				if i == 4 {
					password = "correct horse battery"
				}
				query := fmt.Sprintf(`{"query": "mutation { login(input: {email: \"%s\", password: \"%s\"}) { tokenType } }"}`, address, password)
				r, err := http.NewRequest(http.MethodPost, servers[i%2].URL+"/graphql", strings.NewReader(query))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Accept", "application/graphql-response+json")
				for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP"} {
					r.Header.Set(name, fmt.Sprintf("203.0.113.%d", i))
				}
				response, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				answer := fmt.Sprint(response.StatusCode, " ", response.Header.Get("Retry-After"), " ", string(body))
				answer = strings.NewReplacer(" 29 ", " 30 ", `"retryAfter":29`, `"retryAfter":30`).Replace(answer) // a second may have passed
				want := `200  {"errors":[{"message":"The e-mail address or the password is wrong."`
				if i >= 3 {
					want = `429 30 {"errors":[{"message":"Too many tries; wait as long as retryAfter says.","path":["login"],`
					refusals[answer] = address
				}
				if !strings.HasPrefix(answer, want) || i >= 3 && !strings.Contains(answer, `"extensions":{"code":"RATE_LIMITED","retryAfter":30}`) {
					t.Errorf("%s, try %d: %s; want %s", address, i, answer, want)
				}
			}
		}
		if len(refusals) != 1 {
			t.Errorf("the refusals differ: %q", refusals)
		}
	})
}
