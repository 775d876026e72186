package cli

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/server"
)

// listKeys prints the signing keys and what each is for at this moment.
func listKeys(ctx context.Context, p Process) error {
	return withKeys(ctx, p, func(*server.SigningKeys) error { return nil })
}

// rotateKeys creates the next signing key and prints all.
func rotateKeys(ctx context.Context, p Process, r accounts.Rotation) error {
	return withKeys(ctx, p, func(s *server.SigningKeys) error { return s.Rotate(ctx, r) })
}

// withKeys opens the signing keys, does something with them, and prints them.
func withKeys(ctx context.Context, p Process, do func(*server.SigningKeys) error) error {
	c, err := server.ReadConfig(p.Env)
	if err != nil {
		return err
	}
	log := newOperatorLog(c.Config, p)
	db, err := server.OpenForCommand(ctx, c.Config, log)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := server.OpenKeys(ctx, c, db, log)
	if err != nil {
		return err
	}
	if err := do(s); err != nil {
		return err
	}
	return printKeys(p, s, time.Now())
}

func printKeys(p Process, s *server.SigningKeys, now time.Time) error {
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tALGORITHM\t")
	current := s.Keys.Signing(now)
	for _, k := range s.Keys.Schedule() {
		state := "verifies until " + k.EndsAt.Format(time.RFC3339)
		switch {
		case k.Key == current && k.EndsAt.IsZero():
			state = "signs"
		case k.Key == current:
			state = "signs, and " + state
		case k.SignsAt.After(now):
			state = "is published, signs from " + k.SignsAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", k.Key.ID(), k.Key.Algorithm(), state)
	}
	return table.Flush()
}
