package repo

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// onQuietDays are the samples, one a minute, of what the alerts read while nothing is wrong.
var onQuietDays = map[string]string{
	`up{job="gatehouse"}`:                                     "1+0x60",
	`gatehouse_errors_total{code="UNAVAILABLE"}`:              "0+0x60",
	`gatehouse_errors_total{code="INTERNAL"}`:                 "0+0x60",
	`gatehouse_requests_total`:                                "0+6000x60",
	`gatehouse_panics_total`:                                  "0+0x60",
	`gatehouse_revocations_in_touch`:                          "1+0x60",
	`gatehouse_ready`:                                         "1+0x60",
	`gatehouse_jobs_oldest_seconds`:                           "40+0x60",
	`gatehouse_request_duration_seconds_bucket{le="0.0025"}`:  "0+6000x60",
	`gatehouse_request_duration_seconds_bucket{le="2.5"}`:     "0+6000x60",
	`gatehouse_request_duration_seconds_bucket{le="10"}`:      "0+6000x60",
	`gatehouse_request_duration_seconds_bucket{le="+Inf"}`:    "0+6000x60",
	`gatehouse_hashing_refused_total`:                         "0+0x60",
	`gatehouse_database_wait_seconds_total`:                   "0+1x60",
	`gatehouse_security_events_total{event="sign_in_failed"}`: "0+30x60",
	`gatehouse_security_events_total{event="signed_in"}`:      "0+300x60",
	`gatehouse_security_events_total{event="refresh_reused"}`: "0+0x60",
	`gatehouse_security_events_total{event="keys_revoked"}`:   "0+0x60",
	`gatehouse_log_dropped_total{kind="line"}`:                "0+10x60",
	`gatehouse_log_dropped_total{kind="security event"}`:      "0+0x60",
	`gatehouse_background_runs_total{task="sweep"}`:           "0+12x60",
	`gatehouse_background_failures_total{task="sweep"}`:       "0+1x60",
}

// faults are what each alert is for: the samples that differ from a quiet day's.
var faults = map[string]map[string]string{
	"GatehouseDown":           {`up{job="gatehouse"}`: "1+0x10 0+0x50"},
	"GatehouseUnavailable":    {`gatehouse_errors_total{code="UNAVAILABLE"}`: "0+100x60"},
	"GatehouseInternalErrors": {`gatehouse_errors_total{code="INTERNAL"}`: "0+0x25 1+0x35"},
	"GatehousePanics":         {`gatehouse_panics_total`: "0+0x25 1+0x35"},
	"GatehouseSecurityEventsDropped": {
		`gatehouse_log_dropped_total{kind="security event"}`: "0+0x25 1+0x35",
	},
	"GatehouseTaskFails":       {`gatehouse_background_failures_total{task="sweep"}`: "0+10x60"},
	"GatehouseTasksStandStill": {`gatehouse_background_runs_total{task="sweep"}`: "0+0x60", `gatehouse_background_failures_total{task="sweep"}`: "0+0x60"},
	"GatehouseNotReady":        {`gatehouse_ready`: "1+0x10 0+0x50"},
	"GatehouseOutOfTouch":      {`gatehouse_revocations_in_touch`: "1+0x10 0+0x50"},
	"GatehouseJobsWait":        {`gatehouse_jobs_oldest_seconds`: "3000+60x60"},
	"GatehouseSlow": {
		`gatehouse_request_duration_seconds_bucket{le="0.0025"}`: "0+0x60",
		`gatehouse_request_duration_seconds_bucket{le="2.5"}`:    "0+5000x60",
	},
	"GatehouseHashingRefused":           {`gatehouse_hashing_refused_total`: "0+1x60"},
	"GatehouseDatabaseConnectionsInUse": {`gatehouse_database_wait_seconds_total`: "0+120x60"},
	"GatehouseRefreshTokenReused":       {`gatehouse_security_events_total{event="refresh_reused"}`: "0+0x25 1+0x35"},
	"GatehouseGuessing":                 {`gatehouse_security_events_total{event="sign_in_failed"}`: "0+3000x60"},
	"GatehouseKeysRevoked":              {`gatehouse_security_events_total{event="keys_revoked"}`: "0+0x25 1+0x35"},
}

// TestAlerts_EachTellsOfItsFaultAlone: on a quiet day none fires.
func TestAlerts_EachTellsOfItsFaultAlone(t *testing.T) {
	text := servertest.ReadFile(t, "deploy/alerts.yml")
	var all []string
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
		if faults[m[1]] == nil {
			t.Errorf("%s has no fault here", m[1])
		}
	}
	testenv.Equal(t, len(faults), len(all), "alerts")
	tests := []any{alertTest("a quiet day", "")}
	for _, name := range all {
		tests = append(tests, alertTest(name, name))
	}
	folder := t.TempDir()
	testenv.Check(t, os.WriteFile(filepath.Join(folder, "alerts.yml"), []byte(text), 0o600))
	testenv.Check(t, os.WriteFile(filepath.Join(folder, "test.json"), []byte(servertest.JSON(map[string]any{
		"rule_files": []string{"alerts.yml"}, "evaluation_interval": "1m", "tests": tests,
	})), 0o600))
	servertest.NeedProgram(t, "promtool", "apt-get install prometheus, or a release of it, has it")
	servertest.Execute(t, folder, "promtool", "check", "rules", "alerts.yml")
	servertest.Execute(t, folder, "promtool", "test", "rules", "test.json")
}

// alertTest is a test as promtool reads it: with the samples of a fault, after half an hour, these alerts fire.
func alertTest(name, fault string) any {
	var series []any
	for s, values := range onQuietDays {
		if wrong := faults[fault][s]; wrong != "" {
			values = wrong
		}
		series = append(series, map[string]any{"series": s, "values": values})
	}
	fires := []any{}
	if fault != "" {
		fires = append(fires, map[string]any{"labels": `{alertname="` + fault + `"}`, "value": 1})
	}
	return map[string]any{"name": name, "interval": "1m", "input_series": series, "promql_expr_test": []any{map[string]any{
		"expr": `count by (alertname) (ALERTS{alertstate="firing"})`, "eval_time": "30m", "exp_samples": fires,
	}}}
}

// TestAlerts_ReadWhatIsServed: an alert on a name that is not served never fires.
func TestAlerts_ReadWhatIsServed(t *testing.T) {
	served, _ := servedMetrics(t)
	rules := regexp.MustCompile(`(?s)expr:.*?\n +(for|labels):`).FindAllString(servertest.ReadFile(t, "deploy/alerts.yml"), -1)
	testenv.Equal(t, len(faults), len(rules), "rules")
	for _, name := range regexp.MustCompile(`\bgatehouse_\w+`).FindAllString(strings.Join(rules, "\n"), -1) {
		if !served[strings.TrimSuffix(name, "_bucket")] {
			t.Errorf("%s is not served", name)
		}
	}
	_, text := servedMetrics(t)
	for _, code := range []string{"INTERNAL", "UNAVAILABLE"} { // the first one would be no increase
		if !strings.Contains(text, `gatehouse_errors_total{code="`+code+`"} 0`) {
			t.Errorf("errors with %s are absent and not 0", code)
		}
	}
}

// TestSystemdUnit_IsRightAndHardened: the verdict is systemd's own. 10 is the exposure of a unit with no hardening.
func TestSystemdUnit_IsRightAndHardened(t *testing.T) {
	servertest.NeedProgram(t, "systemd-analyze", "apt-get install systemd")
	program, err := os.Executable()
	testenv.Check(t, err)
	folder := t.TempDir()
	unit := strings.Replace(servertest.ReadFile(t, "deploy/gatehouse.service"), "/usr/local/bin/gatehouse", program, 1)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"gatehouse.service": {unit, true},
		"open.service":      {regexp.MustCompile(`(?m)^(Protect|Private|Restrict|SystemCall).*\n`).ReplaceAllString(unit, ""), false},
	} {
		testenv.Check(t, os.WriteFile(filepath.Join(folder, name), []byte(c.text), 0o600))
		servertest.Execute(t, folder, "systemd-analyze", "verify", "./"+name)
		said := servertest.Execute(t, folder, "sh", "-c",
			"systemd-analyze security --no-pager --offline=yes --threshold=20 ./"+name+" >/dev/null && echo ok || echo exposed")
		testenv.Equal(t, c.ok, said == "ok\n", "%s is hardened", name)
	}
}

// TestSystemdUnit_VariablesExist: an unknown variable stops the start.
func TestSystemdUnit_VariablesExist(t *testing.T) {
	known := regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllString(servertest.ReadFile(t, "docs/configuration.md"), -1)
	used := regexp.MustCompile(`GATEHOUSE_\w+`).FindAllString(servertest.ReadFile(t, "deploy/gatehouse.service"), -1)
	for _, name := range used {
		if !slices.Contains(known, "| `"+name+"`") {
			t.Errorf("there is no %s", name)
		}
	}
	testenv.Equal(t, true, len(used) > 0 && len(known) > 10, "variables were found")
}

// TestDelivered_EachFileSaysWhatChecksIt in CONTRIBUTING.md, and the commands that are named are in .ci/run or a test.
func TestDelivered_EachFileSaysWhatChecksIt(t *testing.T) {
	page := servertest.ReadFile(t, "CONTRIBUTING.md")
	listed := firstColumn(page, "| file | by |")
	for _, file := range tracked(t, "Dockerfile", "docker-compose.yml", "deploy/*") {
		if !strings.HasPrefix(file, "deploy/check/") && !slices.ContainsFunc(listed, func(name string) bool {
			return name == file || strings.HasSuffix(name, "/") && strings.HasPrefix(file, name)
		}) {
			t.Errorf("no row for %s", file)
		}
	}
	_, rows, _ := strings.Cut(page, "| file | by |\n")
	rows, _, _ = strings.Cut(rows, "\n\n")
	checks := servertest.ReadFile(t, ".ci/run") + strings.ReplaceAll(servertest.ReadFile(t, "test/repo/deploy_test.go"), `", "`, " ")
	for _, command := range []string{"docker-compose", "caddy validate", "promtool check rules", "promtool test rules",
		"systemd-analyze verify", "systemd-analyze security", "make build", "./gatehouse version", "make test"} {
		if word := strings.Fields(command); !strings.Contains(checks, command) || !strings.Contains(rows, word[len(word)-1]) {
			t.Errorf("%s is not run, or not listed", command)
		}
	}
}
