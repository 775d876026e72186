package e2e

import (
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// startWithOps starts a server with a second listener.
func startWithOps(t *testing.T, databaseURL string) *servertest.Process {
	t.Helper()
	return servertest.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", "GATEHOUSE_DATABASE_URL="+databaseURL)
}

// profiles are the paths of GATEHOUSE_PPROF, and what they say.
func profiles() map[string]string {
	return map[string]string{
		"/debug/pprof/":                   "goroutine",
		"/debug/pprof/goroutine?debug=2":  "goroutine 1",
		"/debug/pprof/cmdline":            "",
		"/debug/pprof/profile?seconds=1":  "",
		"/debug/pprof/heap?debug=1":       "heap profile",
		"/debug/pprof/symbol":             "num_symbols",
		"/debug/pprof/trace?seconds=0.01": "",
	}
}

// TestOperatorsListener_ServesWhatIsConfigured: metrics and readiness, profiles only where they are asked for, and
// nothing of the public listener's.
func TestOperatorsListener_ServesWhatIsConfigured(t *testing.T) {
	t.Parallel()
	for _, p := range []struct{ setting, value string }{{"GATEHOUSE_PPROF=", "off"}, {servertest.Profiles, "on"}} {
		s := servertest.Start(t, "GATEHOUSE_OPS_ADDR=127.0.0.1:0", p.setting)
		want := map[string]string{"/metrics": "gatehouse_build_info", "/readyz": "ready"}
		if p.value == "on" {
			maps.Copy(want, profiles())
		}
		for path, says := range want {
			if a := s.Get(s.Ops + path); a.Status != http.StatusOK || !a.Has(says) {
				t.Errorf("%s with profiles %s: %v, want 200 and %q", path, p.value, a, says)
			}
			for site, status := range map[string]int{"none": 200, "same-origin": 200, "same-site": 403, "cross-site": 403} {
				if a := s.Get(s.Ops+path, "Sec-Fetch-Site", site); a.Status != status {
					t.Errorf("%s, as a browser sends it from a page that is %s: %v, want %d", path, site, a, status)
				}
			}
			if a := s.Get(path); a.Status != http.StatusNotFound && path != "/readyz" {
				t.Errorf("%s in public: %v, want 404", path, a)
			}
		}
		for _, path := range slices.Concat(slices.Collect(maps.Keys(profiles())),
			[]string{"/", "/graphql?query={__typename}", "/healthz", "/debug/pprof", "/debug/pprof/heap"}) {
			if strings.HasPrefix(path, "/debug/pprof") && p.value == "on" {
				continue
			}
			if a := s.Get(s.Ops + path); a.Status != http.StatusNotFound {
				t.Errorf("%s for operators with profiles %s: %v, want 404", path, p.value, a)
			}
		}
		endsWithItsServer(t, s)
	}
}

// endsWithItsServer stops a server, which has warned of nothing.
func endsWithItsServer(t *testing.T, s *servertest.Process) {
	t.Helper()
	if strings.Contains(s.Log.String(), "level=WARN") {
		t.Errorf("a warning on loopback:\n%s", s.Log)
	}
	s.Stop()
	if conn, err := net.Dial("tcp", strings.TrimPrefix(s.Ops, "http://")); err == nil {
		conn.Close()
		t.Error("the second listener outlives the server")
	}
}

func TestOperatorsListener_IsOffOrWarnsThatItIsOpen(t *testing.T) {
	t.Parallel()
	off := servertest.Start(t)
	if strings.Contains(off.Log.String(), "/metrics") {
		t.Errorf("not asked for:\n%s", off.Log)
	}
	open := servertest.Start(t, "GATEHOUSE_OPS_ADDR=0.0.0.0:0")
	if !regexp.MustCompile(`level=WARN.*GATEHOUSE_OPS_ADDR`).MatchString(open.Log.String()) {
		t.Errorf("no warning:\n%s", open.Log)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	servertest.Check(t, err)
	defer taken.Close()
	o := servertest.StartRefused(t, servertest.Secret, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t),
		"GATEHOUSE_OPS_ADDR="+taken.Addr().String())
	if o.Code != cli.ExitFailed || !strings.Contains(o.Stderr, "GATEHOUSE_OPS_ADDR") {
		t.Errorf("%+v", o)
	}
}
