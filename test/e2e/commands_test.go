package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/cli"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// TestBadUsage_ExitsWithTwo holds the exit codes of commands that are not written as they should be.
func TestBadUsage_ExitsWithTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown command":       {[]string{"nope"}, cli.ExitUsage, "unknown command"},
		"unknown flag":          {[]string{"access", "--nope"}, cli.ExitUsage, "unknown flag"},
		"help on nothing":       {[]string{"help", "nope"}, cli.ExitUsage, "no help on"},
		"admin without a verb":  {[]string{"admin"}, cli.ExitUsage, "admin create EMAIL"},
		"admin without address": {[]string{"admin", "create"}, cli.ExitUsage, "one e-mail address"},
		"password as argument": {[]string{"admin", "create", "a@example.com", "secret"}, cli.ExitUsage,
			"one e-mail address"},
		"sessions without a verb": {[]string{"sessions"}, cli.ExitUsage, "sessions end EMAIL"},
		"which sessions":          {[]string{"sessions", "end"}, cli.ExitUsage, "in one way"},
		"sessions in two ways":    {[]string{"sessions", "end", "a@example.com", "--all"}, cli.ExitUsage, "in one way"},
		"sessions of two":         {[]string{"sessions", "end", "a@example.com", "b@example.com"}, cli.ExitUsage, "in one way"},
		"mail without a verb":     {[]string{"mail"}, cli.ExitUsage, "mail retry ID"},
		"retry of nothing":        {[]string{"mail", "retry"}, cli.ExitUsage, "say which"},
		"since no time":           {[]string{"sessions", "end", "--since", "yesterday"}, cli.ExitUsage, "write it as"},
		"since a time of no zone": {[]string{"sessions", "end", "--since", "2026-11-27T10:00:00"}, cli.ExitUsage, "zone"},
		"since a time to come":    {[]string{"sessions", "end", "--since", "2999-01-01T00:00:00Z"}, cli.ExitUsage, "come yet"},
		"check of a missing file": {[]string{"access", "--check", ""}, cli.ExitFailed, "access --json"},
		"help":                    {[]string{"help"}, cli.ExitDone, ""},
		"help on a command":       {[]string{"help", "migrate", "status"}, cli.ExitDone, ""},
		"help on configuration":   {[]string{"help", "config"}, cli.ExitDone, ""},
		"version":                 {[]string{"version"}, cli.ExitDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := servertest.Command(t, nil, "", c.args...)
			if o.Code != c.code || !strings.Contains(o.Stderr, c.says) || c.code == cli.ExitDone && o.Stdout == "" {
				t.Errorf("%+v; want %d and %q", o, c.code, c.says)
			}
		})
	}
	if o := servertest.Command(t, nil, "", "help", "config"); !strings.Contains(o.Stdout, "GATEHOUSE_DATABASE_URL") {
		t.Errorf("help config lists no variables: %s", o.Stdout)
	}
}

// TestMigrate_SaysTheVersionInASentence migrates, and looks before and after.
func TestMigrate_SaysTheVersionInASentence(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("internal/database/migrations/sqlite")
	servertest.Check(t, err)
	version := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".sql") {
			fmt.Sscanf(f.Name(), "%d_", &version)
		}
	}
	env := []string{"GATEHOUSE_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "gatehouse.db")}
	if o := servertest.Command(t, env, "", "migrate", "status"); o.Code != cli.ExitFailed ||
		!strings.Contains(o.Stderr, "gatehouse migrate") {
		t.Errorf("status of no database: %+v", o)
	}
	want := fmt.Sprintf("The database is at version %d, which is this program's.\n", version)
	for range 2 {
		if o := servertest.Command(t, env, "", "migrate"); o.Code != cli.ExitDone || o.Stdout != want {
			t.Errorf("migrate: %+v, want %s", o, want)
		}
	}
	if o := servertest.Command(t, env, "", "migrate", "status"); o.Code != cli.ExitDone ||
		!strings.Contains(o.Stdout, fmt.Sprint("version ", version)) {
		t.Errorf("status: %+v", o)
	}
}

// TestHealth_IsReadiness of a server that runs, of one that is not ready, and of none.
func TestHealth_IsReadiness(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	notReady := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, s.URL+"/readyz", http.StatusFound)
	}))
	defer notReady.Close()
	addr := strings.TrimPrefix(s.URL, "http://")
	_, port, _ := net.SplitHostPort(addr)
	for name, c := range map[string]struct {
		env, args []string
		code      int
	}{
		"by URL":              {nil, []string{s.URL}, cli.ExitDone},
		"by URL with a slash": {nil, []string{s.URL + "/"}, cli.ExitDone},
		"by configuration":    {[]string{"GATEHOUSE_ADDR=" + addr}, nil, cli.ExitDone},
		"by PORT":             {[]string{"PORT=" + port, "GATEHOUSE_ISSUER=https://id.example.com"}, nil, cli.ExitDone},
		"a redirect":          {nil, []string{notReady.URL}, cli.ExitFailed},
		"another path":        {nil, []string{s.URL + "/graphql"}, cli.ExitFailed},
		"nobody":              {nil, []string{"http://127.0.0.1:1"}, cli.ExitFailed},
		"no URL":              {nil, []string{addr}, cli.ExitUsage},
		"two":                 {nil, []string{s.URL, s.URL}, cli.ExitUsage},
	} {
		o := servertest.Command(t, c.env, "", append([]string{"health"}, c.args...)...)
		if o.Code != c.code || (o.Stderr == "") != (c.code == cli.ExitDone) {
			t.Errorf("%s: %+v; want %d", name, o, c.code)
		}
	}
}
