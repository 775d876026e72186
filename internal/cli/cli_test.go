package cli

import (
	"context"
	"os"
	"strings"
	"testing"
)

// TestRun_NoArgumentsMeansServe and not the arguments of this process, which cobra reads when it is given nil.
func TestRun_NoArgumentsMeansServe(t *testing.T) {
	defer func(before []string) { os.Args = before }(os.Args)
	os.Args = []string{"gatehouse", "--nope"}
	for code, args := range map[int][]string{ExitFailed: nil, ExitUsage: os.Args[1:]} {
		var errs strings.Builder
		p := Process{Args: args, Env: []string{"GATEHOUSE_ADDR=nowhere"}, Stdout: &errs, Stderr: &errs}
		got := Run(t.Context(), p)
		if got != code || strings.Contains(errs.String(), "GATEHOUSE_ADDR") != (code == ExitFailed) {
			t.Errorf("%q: exit code %d, %s; want %d", args, got, &errs, code)
		}
	}
}

// TestRun_VersionIsTheBuilds, when its build says one.
func TestRun_VersionIsTheBuilds(t *testing.T) {
	defer func(before string) { Version = before }(Version)
	for _, version := range []string{"", "v1.2.3"} {
		Version = version
		var out strings.Builder
		code := Run(context.Background(), Process{Args: []string{"version"}, Stdout: &out, Stderr: &out})
		name, printed, ok := strings.Cut(strings.TrimSpace(out.String()), " ")
		if code != ExitDone || name != "gatehouse" || !ok || version != "" && printed != version {
			t.Errorf("exit code %d, %q", code, &out)
		}
	}
}
