package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

func auditCommand(p Process) *cobra.Command {
	audit := &cobra.Command{Use: "audit", Short: "The audit log",
		RunE: missingVerb("gatehouse audit export, or gatehouse audit verify")}
	export := &cobra.Command{
		Use: "export", Short: "Print the audit log as JSON lines", Args: cobra.NoArgs,
		Long: "Prints the audit log as JSON, one event a line, oldest first. An event has its time from shortly before its\n" +
			"commit: for exports that follow each other, let each end a minute ago and the next begin there.",
	}
	since := export.Flags().String("since", "", "only events at this time or later: 2006-01-02T15:04:05Z")
	until := export.Flags().String("until", "", "only events before this time")
	export.RunE = func(cmd *cobra.Command, args []string) error {
		from, wrongSince := parseTime(cmd, "since", *since)
		to, wrongUntil := parseTime(cmd, "until", *until)
		if err := errors.Join(wrongSince, wrongUntil); err != nil {
			return err
		}
		f := &accounts.AuditFilter{Since: from, Until: to}
		return runE(func(ctx context.Context) error { return exportAuditLog(ctx, p, f) })(cmd, args)
	}
	audit.AddCommand(export, auditVerifyCommand(p))
	return audit
}

// parseTime reads the time of a flag; nil when it is not given.
func parseTime(cmd *cobra.Command, flag, text string) (*time.Time, error) {
	if !cmd.Flags().Changed(flag) {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, fmt.Errorf("--%s: %q is no time with its zone: write it as 2006-01-02T15:04:05Z", flag, text)
	}
	return &at, nil
}

func exportAuditLog(ctx context.Context, p Process, f *accounts.AuditFilter) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		out := bufio.NewWriter(p.Stdout)
		return errors.Join(service.ExportAuditLog(ctx, out, f), out.Flush())
	})
}
