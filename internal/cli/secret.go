package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/server"
)

func secretCommand(p Process) *cobra.Command {
	secret := &cobra.Command{Use: "secret", Short: "The secret", RunE: missingVerb("gatehouse secret rotate")}
	secret.AddCommand(&cobra.Command{
		Use: "rotate", Short: "Put a new secret in use, while instances run", Args: cobra.NoArgs,
		Long: "Puts GATEHOUSE_SECRET in use in place of GATEHOUSE_SECRET_PREVIOUS: seals again what the database holds, and\n" +
			"has running instances make what they make with the new one.\n\n" +
			"  1. Restart every instance, one after another, with the new secret as GATEHOUSE_SECRET and the former one\n" +
			"     as GATEHOUSE_SECRET_PREVIOUS (or their …_FILE). They accept both, and go on with the former.\n" +
			"  2. Run this command with the same two.\n" +
			"  3. Once it says that the former is no longer needed, restart without GATEHOUSE_SECRET_PREVIOUS. If the former\n" +
			"     leaked, do so at once: sessions that were not refreshed in between have to sign in again.",
		RunE: runAsOperator(func(ctx context.Context) error { return rotateSecret(ctx, p) }),
	})
	return secret
}

func rotateSecret(ctx context.Context, p Process) error {
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
	rotated, err := server.RotateSecret(ctx, c, db, log)
	if err != nil {
		return err
	}
	if !rotated.Done {
		_, err = fmt.Fprintf(p.Stdout, "%s is in use already; nothing was changed. To rotate, give the new secret, and the "+
			"former one as GATEHOUSE_SECRET_PREVIOUS: gatehouse help secret rotate\n", c.SecretVariable())
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s is in use. Every session that is used has moved to it by %s; then remove %s.\n",
		c.SecretVariable(), rotated.MovedBy.UTC().Format(time.RFC3339), c.PreviousVariable())
	return err
}
