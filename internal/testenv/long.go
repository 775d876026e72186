package testenv

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// longRuns names every test that has a long form, and what that is. Each takes minutes, so only TEST_LONG asks for it.
var longRuns = map[string]string{
	"audit":        "sign-ins with and without the audit log, of which the rates are printed",
	"bench":        "the benchmark's quick run, which loads the machine for a minute",
	"characters":   "each character there is, the unassigned ones too",
	"contributing": "all tests on the tree in which the example of CONTRIBUTING.md was followed",
	"cut":          "connections cut at each statement, in each way",
	"environments": "all tests under each processor count, time zone and locale",
	"expensive":    "expensive queries for 20 s each, and floods of each root field that reads",
	"failover":     "two Postgres servers of which the first is killed; two of which one hangs, in all changes of their states",
	"faults":       "faults that last as long as the server's own time-outs",
	"figures":      "the first load of /account and each page of /admin with ten thousand users, of which the times are printed",
	"flood":        "abusive requests for longer, with a bound on the rate of answers",
	"kill":         "a thousand flows by mail while instances are killed, and what they held is sent two minutes later",
	"mail":         "mail by Exim, which Debian has as exim4-daemon-light",
	"matrix":       "all combinations of rules, viewers and shapes of operations",
	"model":        "the model of sessions over more steps, and parallel refreshes over more rounds",
	"pages":        "each mail, and each flow through the pages, in a browser on all screens; mails in all languages",
	"pause":        "a process that is paused for a minute",
	"refusals":     "a thousand sessions that end, each refused elsewhere within a tenth of a second; more pauses and commits",
	"requests":     "hostile requests that are filled as far as a body goes, beyond the limits",
	"seals":        "a hundred thousand rows of the audit log, sealed and verified",
	"sizes":        "ten thousand accounts, of which the bytes in Postgres are printed",
	"slow":         "each way to be slow on thousands of connections, by itself",
	"soak":         "clients that live through accounts for ten minutes, or SOAK_TIME, and a crowd for an hour",
	"users":        "a million users, and a million sessions on one instance",
}

// Long reports whether the environment asks for the long form of a test: TEST_LONG=matrix,faults names some, and
// TEST_LONG=all asks for each. It panics, which fails the test binary, when TEST_LONG or the caller uses a name that
// is not in longRuns: a misspelt name would otherwise pass as the long run that never happened.
func Long(name string) bool {
	long, err := parseLong(os.Getenv("TEST_LONG"))
	if err == nil && longRuns[name] == "" {
		err = fmt.Errorf("testenv.Long(%q): add the name to longRuns", name)
	}
	if err != nil {
		panic(err)
	}
	return slices.Contains(long, name) || slices.Contains(long, "all")
}

func parseLong(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if name != "all" && longRuns[name] == "" {
			return nil, fmt.Errorf("TEST_LONG: there is no long run %q: use all, or some of %s", name, knownRuns())
		}
	}
	return names, nil
}

func knownRuns() string {
	var names []string
	for name := range longRuns {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
