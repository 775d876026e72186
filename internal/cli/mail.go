package cli

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/server"
)

func mailCommand(p Process) *cobra.Command {
	mail := &cobra.Command{
		Use: "mail", Short: "Test mail, and try again what failed",
		RunE: missingVerb("gatehouse mail test EMAIL, mail list, mail retry ID or mail retry --all"),
	}
	mail.AddCommand(&cobra.Command{
		Use: "list", Short: "Print the jobs that were given up", Args: cobra.NoArgs,
		Long: "Prints the jobs that were given up, after a day of attempts or because of an error that no attempt mends;\n" +
			"the newest is last, and a thousand at most. They are deleted after 30 days.",
		RunE: runE(func(ctx context.Context) error { return listFailedJobs(ctx, p) }),
	}, retryCommand(p), testMailCommand(p))
	return mail
}

func retryCommand(p Process) *cobra.Command {
	const which = "gatehouse mail retry ID, or gatehouse mail retry --all"
	retry := &cobra.Command{
		Use: "retry [ID]", Short: "Try a job again that was given up, or all",
		Long: "Tries a job again that gatehouse mail list shows, or all: running servers begin within seconds, with a day\n" +
			"of attempts as for a new one.",
	}
	all := retry.Flags().Bool("all", false, "all that were given up")
	retry.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 || (len(args) == 1) == *all {
			return errors.New("say which: " + which)
		}
		var id uuid.UUID
		if !*all {
			var err error
			if id, err = uuid.Parse(args[0]); err != nil || id == uuid.Nil {
				return fmt.Errorf("%q is no id of a job: gatehouse mail list shows them", args[0])
			}
		}
		return runE(func(ctx context.Context) error { return retryFailedJobs(ctx, p, id) })(cmd, args)
	}
	return retry
}

func listFailedJobs(ctx context.Context, p Process) error {
	return withDatabase(ctx, p, func(db *database.Database) error {
		failed, err := outbox.Failed(ctx, db.Client)
		if err != nil {
			return err
		}
		if len(failed) == 0 {
			_, err := fmt.Fprintln(p.Stdout, "No job was given up.")
			return err
		}
		table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "JOB\tKIND\tADDED\tGIVEN UP\tATTEMPTS\tERROR")
		for _, f := range failed {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\n", f.ID, f.Kind, f.CreatedAt.Format(time.RFC3339),
				f.FailedAt.Format(time.RFC3339), f.Attempt, f.Error)
		}
		return table.Flush()
	})
}

func retryFailedJobs(ctx context.Context, p Process, id uuid.UUID) error {
	return withDatabase(ctx, p, func(db *database.Database) error {
		n, err := outbox.Retry(ctx, db.Client, id)
		if err != nil {
			return err
		}
		if n == 0 && id != uuid.Nil {
			return errors.New("no job of this id was given up: gatehouse mail list shows those that were")
		}
		_, err = fmt.Fprintf(p.Stdout, "Jobs that are tried again: %d.\n", n)
		return err
	})
}

// withDatabase opens the database for a command.
func withDatabase(ctx context.Context, p Process, do func(*database.Database) error) error {
	c, err := config.Load(p.Env)
	if err != nil {
		return err
	}
	db, err := server.OpenForCommand(ctx, c, newOperatorLog(c, p))
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}
