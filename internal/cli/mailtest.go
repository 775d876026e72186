package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/server"
)

// testMailCommand returns mail test.
func testMailCommand(p Process) *cobra.Command {
	return &cobra.Command{
		Use: "test EMAIL", Short: "Send one mail and print what the mail server answered",
		Long: "Sends one mail by the server of GATEHOUSE_SMTP_URL, and prints what that answered. What it took may still come\n" +
			"back: look for the mail.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("give one e-mail address: gatehouse mail test EMAIL")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return runE(func(ctx context.Context) error { return testMail(ctx, p, args[0]) })(cmd, args)
		},
	}
}

func testMail(ctx context.Context, p Process, address string) error {
	c, err := server.ReadConfig(p.Env)
	if err != nil {
		return err
	}
	answer, err := server.SendTestMail(ctx, c, address)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Stdout, "%s took the mail to %s: %s\n", c.MailServer.Host, address, answer)
	return err
}
