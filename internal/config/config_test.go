package config_test

import (
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// defaults is what an empty environment means.
func defaults() *config.Config {
	return &config.Config{
		Addr: "127.0.0.1:8080", DatabaseURL: "sqlite:gatehouse.db", SecretFile: "gatehouse.secret", Audience: "gatehouse",
		AccessTTL: 10 * time.Minute, RefreshTTL: 720 * time.Hour, SessionTTL: 2160 * time.Hour, Retention: 8760 * time.Hour,
		DeletionGrace: 720 * time.Hour,
		KeyRotation:   "2160h", RotateEvery: 2160 * time.Hour,
		Playground: "auto", Argon2: "m=19456,t=2,p=1", HashWorker: "on", Pprof: "off", Throttle: "on", Drain: "auto", AppName: "Gatehouse",
		Registration: "open",
		AdminMFA:     "off",
		Log:          "info", LogLevel: slog.LevelInfo,
	}
}

func TestLoad_EmptyEnvironmentGivesDefaults(t *testing.T) {
	empty := []string{"PORT=", "DATABASE_URL="} // as compose files and CI set what they do not know
	for _, v := range config.Variables() {
		empty = append(empty, v.Name+"=")
	}
	for name, environment := range map[string][]string{
		"nothing": nil, "empty values": empty,
		"others' names": {
			"PATH=/bin", "HOME=/root", "gatehouse_addr=x", "XGATEHOUSE_ADDR=x", "GATEHOUSEADDR=x", "no equals sign", "=x", "",
		},
	} {
		testenv.Equal(t, defaults(), load(t, environment...), "%s", name)
	}
}

func TestLoad_EveryVariableAcceptsGoodValuesAndRefusesBadOnes(t *testing.T) {
	tried := map[string]int{}
	for _, v := range allValues {
		tried[v.variable] |= map[bool]int{false: 1, true: 2}[v.refused != ""]
		for _, text := range v.texts {
			v.try(t, text)
		}
	}
	checkedByOthers := []string{ // by the packages that use them
		"GATEHOUSE_AUDIENCE", "GATEHOUSE_SECRET_FILE", "GATEHOUSE_SECRET_PREVIOUS", "GATEHOUSE_SIGNING_KEY", "GATEHOUSE_ARGON2", "GATEHOUSE_LIMITS",
		"GATEHOUSE_THROTTLE", "GATEHOUSE_MAIL_TEMPLATES", "GATEHOUSE_THEME",
	}
	for _, v := range config.Variables() {
		if _, ok := strings.CutSuffix(v.Name, "_FILE"); ok && v.Name != "GATEHOUSE_SECRET_FILE" {
			continue // tried with the values of the variable
		}
		if tried[v.Name]&1 == 0 || tried[v.Name]&2 == 0 && !slices.Contains(checkedByOthers, v.Name) {
			t.Errorf("%s has no good or no bad value in this test", v.Name)
		}
	}
}

// try loads one of the texts.
func (v values) try(t *testing.T, text string) {
	t.Helper()
	got, err := config.Load(append([]string{v.variable + "=" + text}, v.with...))
	if v.refused != "" {
		if got != nil || err == nil || !strings.HasPrefix(err.Error(), v.variable+": ") ||
			!strings.Contains(err.Error(), v.refused) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s=%s: %v; want one sentence that names it and says %q", v.variable, text, err, v.refused)
		}
		return
	}
	if d := cmp.Diff(v.want(text), got, cmpopts.EquateComparable(netip.Prefix{})); d != "" || err != nil {
		t.Errorf("%s=%s: %v (-want +got):\n%s", v.variable, text, err, d)
	}
}

// TestLoad_RefusalQuotesNoSecret: what may be a password or a secret is not repeated.
func TestLoad_RefusalQuotesNoSecret(t *testing.T) {
	_, err := config.Load([]string{"GATEHOUSE_SECRET=hunter2", "GATEHOUSE_SECRET_FILE=f", "GATEHOUSE_SECRET_KEY=hunter2",
		"GATEHOUSE_DATABASE_URL=mysql://u:hunter2@h/d", "DATABASE_URL=mysql://u:hunter2@h/d"})
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// Each faulty value has a line that begins with its name; unknown names share one.
func TestLoad_ReportsEveryFault(t *testing.T) {
	for environment, want := range map[string]int{
		"GATEHOUSE_ADDR=x GATEHOUSE_ISSUER=x GATEHOUSE_PLAYGROUND=x GATEHOUSE_LOG=x GATEHOUSE_ACCESS_TTL=1ms": 5,
		"GATEHOUSE_ACCESS_TTL=x GATEHOUSE_REFRESH_TTL=y GATEHOUSE_SESSION_TTL=z":                              3,
		"GATEHOUSE_A=1 GATEHOUSE_B=1":          1,
		"GATEHOUSE_A=1 GATEHOUSE_LOG=x":        2,
		"GATEHOUSE_A=1 GATEHOUSE_ACCESS_TTL=x": 2,
	} {
		_, err := config.Load(strings.Fields(environment))
		if err == nil {
			t.Errorf("%s: taken", environment)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		var named []string
		for _, line := range lines {
			head, _, _ := strings.Cut(line, ": ")
			named = append(named, strings.Split(head, ", ")...)
		}
		for _, setting := range strings.Fields(environment) {
			if name, _, _ := strings.Cut(setting, "="); !slices.Contains(named, name) {
				t.Errorf("no line names %s:\n%v", name, err)
			}
		}
		testenv.Equal(t, want, len(lines), "%s: lines of %v", environment, err)
	}
}

// TestLoad_ConfirmedRegistrationNeedsMail: a mail server, or the inbox of a server that only this machine reaches.
func TestLoad_ConfirmedRegistrationNeedsMail(t *testing.T) {
	public := []string{"GATEHOUSE_REGISTRATION=confirmed", "GATEHOUSE_ADDR=0.0.0.0:8080", "GATEHOUSE_ISSUER=https://id.example.com"}
	_, err := config.Load(public)
	if err == nil || !strings.Contains(err.Error(), "GATEHOUSE_REGISTRATION: confirmed needs mail") {
		t.Errorf("without mail: %v", err)
	}
	load(t, append(public, "GATEHOUSE_SMTP_URL=smtp://127.0.0.1:25", "GATEHOUSE_MAIL_FROM=accounts@example.com")...)
	load(t, public[0])
}

func TestShowPlayground_OnLoopbackUnlessConfigured(t *testing.T) {
	cases := map[string]bool{ // is loopback
		"127.0.0.1:8080": true, "127.9.9.9:80": true, "[::1]:80": true, "localhost:80": true, "[::ffff:127.0.0.1]:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "10.0.0.1:80": false,
		"192.168.1.1:80": false, "169.254.169.254:80": false,
		"example.com:80": false, "localhost.example.com:80": false, "127.0.0.1.example.com:80": false, "0:80": false,
		"[::ffff:10.0.0.1]:80": false, "2130706433:80": false, "127.1:80": false,
	}
	for addr, loopback := range cases {
		for _, issuer := range []string{beyondLoopback[0], "GATEHOUSE_ISSUER=http://127.0.0.1:8080"} {
			auto := loopback && issuer != beyondLoopback[0] // or a proxy may show it to others
			for setting, shown := range map[string]bool{"": auto, "auto": auto, "on": true, "off": false} {
				c := load(t, issuer, "GATEHOUSE_ADDR="+addr, "GATEHOUSE_PLAYGROUND="+setting)
				relayed := load(t, issuer, "GATEHOUSE_ADDR="+addr, "GATEHOUSE_SMTP_URL=smtp://h", from[0])
				if c.ShowInbox() != auto || relayed.ShowInbox() {
					t.Errorf("%s, %s: inbox %v, with a mail server %v", addr, issuer, c.ShowInbox(), relayed.ShowInbox())
				}
				if c.Loopback() != loopback || c.ShowPlayground() != shown {
					t.Errorf("%s, %s, %q: loopback %v, shown %v; want %v, %v",
						addr, issuer, setting, c.Loopback(), c.ShowPlayground(), loopback, shown)
				}
			}
		}
	}
	if c := load(t, "PORT=8080", beyondLoopback[0]); c.Loopback() || c.ShowPlayground() {
		t.Error("PORT alone: loopback")
	}
}

// TestVariables_ListTheStruct: `gatehouse help config` can forget nothing and invent nothing.
func TestVariables_ListTheStruct(t *testing.T) {
	inStruct := map[string]string{}
	for f := range reflect.TypeFor[config.Config]().Fields() {
		name, ok := f.Tag.Lookup("env")
		if !ok {
			t.Errorf("the field %s says neither its variable nor env:\"-\"", f.Name)
		}
		if name != "-" {
			inStruct[name] = f.Tag.Get("envDefault")
			if f.Tag.Get("file") != "" {
				inStruct[name+"_FILE"] = ""
			}
		}
	}
	listed := map[string]string{}
	for _, v := range config.Variables() {
		_, twice := listed[v.Name]
		if twice || !strings.HasPrefix(v.Name, "GATEHOUSE_") || v.Help == "" || strings.Contains(v.Help, "\n") {
			t.Errorf("%+v", v)
		}
		listed[v.Name] = v.Default
	}
	testenv.Equal(t, inStruct, listed, "variables listed")
	for _, name := range []string{"PORT", "DATABASE_URL"} { // are read too
		if !slices.ContainsFunc(config.Variables(), func(v config.Variable) bool { return strings.Contains(v.Help, name) }) {
			t.Errorf("%s is described nowhere", name)
		}
	}
	if len(slices.Collect(maps.Keys(listed))) < 14 {
		t.Errorf("only %d variables", len(listed))
	}
}

func TestReadSigningKey_ReadsTheNamedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	c := load(t, "GATEHOUSE_SIGNING_KEY="+path)
	_, err := c.ReadSigningKey()
	if err == nil || !strings.HasPrefix(err.Error(), "GATEHOUSE_SIGNING_KEY: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that is not there: %v", err)
	}
	testenv.Check(t, os.WriteFile(path, []byte("PEM"), 0o600))
	if text, err := c.ReadSigningKey(); string(text) != "PEM" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := defaults().ReadSigningKey(); text != nil || err != nil {
		t.Errorf("not named: %q, %v", text, err)
	}
}
