package abuse

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestLogFlood_OneCallerWritesFewLinesAndTheRestIsCounted: whatever makes the program write a line for a request, a
// hundred times from one address. The lines that are left out are counted when the server ends, at the latest; those of
// other networks are written.
func TestLogFlood_OneCallerWritesFewLinesAndTheRestIsCounted(t *testing.T) {
	const requests, most = 100, 20
	for name, flood := range map[string]struct {
		message string
		begin   func(t *testing.T, s *servertest.Process, file string) servertest.Request
	}{
		"tokens that are none": {"denied", func(*testing.T, *servertest.Process, string) servertest.Request {
			return servertest.Request{Token: "x.y.z", Query: servertest.Me}
		}},
		"the token of an ended session": {"denied", func(t *testing.T, s *servertest.Process, _ string) servertest.Request {
			account := s.Register()
			s.Logout(account.Access)
			return servertest.Request{Token: account.Access, Query: servertest.Me}
		}},
		"fields of others": {"denied", func(_ *testing.T, s *servertest.Process, _ string) servertest.Request {
			return servertest.Request{Token: s.Register().Access, Query: "{ users { totalCount } }"}
		}},
		"attempts that are refused": {"throttled", func(_ *testing.T, s *servertest.Process, _ string) servertest.Request {
			proof := servertest.Request{Token: s.Register().Access,
				Query: `mutation { reauthenticate(input: {password: "a wrong password"}) { expiresIn } }`}
			s.Do(proof) // the free one
			return proof
		}},
		"an outage": {"refused", func(t *testing.T, _ *servertest.Process, file string) servertest.Request {
			servertest.Check(t, os.Rename(file, file+".away"))
			return servertest.Request{Query: servertest.Registration(servertest.NewAddress())}
		}},
		"a fault of the database": {"internal error", func(t *testing.T, _ *servertest.Process, file string) servertest.Request {
			servertest.Exec(t, servertest.OpenDB(t, "sqlite:"+file),
				"CREATE TRIGGER failing BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'a fault'); END")
			return servertest.Request{Query: servertest.Registration(servertest.NewAddress())}
		}},
		"pages of others": {"a page of this origin may not call; if it is yours, add the origin to GATEHOUSE_ALLOWED_ORIGINS",
			func(*testing.T, *servertest.Process, string) servertest.Request {
				return servertest.Request{Method: http.MethodOptions, Header: []string{"Access-Control-Request-Method", "POST",
					"Origin", "https://page%d.example"}}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := dbtest.SQLite(t)
			s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, "GATEHOUSE_TRUSTED_PROXIES=127.0.0.1/32",
				"GATEHOUSE_THROTTLE=pair=1,account=1000000,network=1000000,register=1000000")
			request := flood.begin(t, s, strings.TrimPrefix(url, "sqlite:"))
			before := len(s.Log.String())
			ask := func(i int, from string) {
				each := request
				each.Header = append(slices.Clone(request.Header), "X-Forwarded-For", from)
				for h, value := range each.Header {
					each.Header[h] = strings.Replace(value, "%d", strconv.Itoa(i), 1)
				}
				s.Do(each)
			}
			for i := range requests {
				ask(i, "198.51.100.7")
			}
			flooded := len(s.Log.String())
			ask(requests, "203.0.113.9")
			if n, _ := linesOf(s.Log.String()[flooded:], flood.message); n != 1 {
				t.Errorf("%d lines about a request of another network, after the flood; want 1", n)
			}
			s.Stop()
			written, left := linesOf(s.Log.String()[before:], flood.message)
			written-- // the one of the other network
			if written == 0 || written > most || written+left != requests {
				t.Errorf("%d lines and %d counted, want at most %d, and %d in all:\n%.2000s",
					written, left, most, requests, s.Log)
			}
		})
	}
}

// linesOf counts the lines of a message, and those that were left out.
func linesOf(log, message string) (written, left int) {
	said := strconv.Quote(message)
	if !strings.Contains(message, " ") {
		said = message
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, " msg="+said+" ") {
			written++
		}
		if n := regexp.MustCompile(`lines were left out" of=` + said + ` .*lines=(\d+)`).FindStringSubmatch(line); n != nil {
			n, _ := strconv.Atoi(n[1])
			left += n
		}
	}
	return written, left
}
