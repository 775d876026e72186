package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// endedSessions says which sessions a command ends.
type endedSessions struct {
	address string
	all     bool
	since   time.Time
}

func sessionsCommand(p Process) *cobra.Command {
	const which = "gatehouse sessions end EMAIL, sessions end --since TIME or sessions end --all"
	sessions := &cobra.Command{Use: "sessions", Short: "Sessions", RunE: missingVerb(which)}
	var e endedSessions
	var since string
	end := &cobra.Command{
		Use: "end [EMAIL]", Short: "End sessions and personal access tokens, of an account or of all accounts",
		Long: "Ends the sessions and personal access tokens of an account, of all accounts that began at a time or later, or\n" +
			"all: after a restore or a failover, what had been ended may be open again. Running servers refuse them within\n" +
			"100 ms, and their users sign in again.",
	}
	end.Flags().BoolVar(&e.all, "all", false, "all sessions of all accounts")
	end.Flags().StringVar(&since, "since", "", "of all accounts, those that began at this time or later: 2006-01-02T15:04:05Z")
	end.RunE = func(cmd *cobra.Command, args []string) error {
		given := len(args)
		for _, flag := range []string{"all", "since"} {
			if end.Flags().Changed(flag) {
				given++
			}
		}
		if given != 1 {
			return errors.New("say which sessions, in one way: " + which)
		}
		if len(args) == 1 {
			e.address = args[0]
		}
		if err := e.parseSince(since, end.Flags().Changed("since")); err != nil {
			return err
		}
		return runAsOperator(func(ctx context.Context) error { return endSessions(ctx, p, e) })(cmd, args)
	}
	sessions.AddCommand(end)
	return sessions
}

func (e *endedSessions) parseSince(text string, given bool) (err error) {
	if !given {
		return nil
	}
	if e.since, err = time.Parse(time.RFC3339, text); err != nil {
		return fmt.Errorf("--since: %q is no time with its zone: write it as 2006-01-02T15:04:05Z", text)
	}
	if e.since.After(time.Now()) {
		return fmt.Errorf("--since: %s has not come yet", text)
	}
	return nil
}

// endSessions ends sessions and prints how many.
func endSessions(ctx context.Context, p Process, e endedSessions) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		account, of := uuid.Nil, "all accounts"
		if e.address != "" {
			found, err := service.AccountByEmail(ctx, e.address)
			if problem.Is(err, problem.NotFound) {
				return errors.New("there is no account with this e-mail address; no session has ended")
			}
			if err != nil {
				return err
			}
			account, of = found.User.ID, found.User.Email
		}
		n, err := service.EndSessions(ctx, account, e.since)
		if err != nil {
			return fmt.Errorf("%d sessions and personal access tokens of %s have ended; run the command again for the others: %w", n, of, err)
		}
		_, err = fmt.Fprintf(p.Stdout, "Sessions and personal access tokens of %s that have ended: %d.\n", of, n)
		return err
	})
}
