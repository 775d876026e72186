package cli

import (
	"context"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/server"
)

func healthCommand(p Process) *cobra.Command {
	return &cobra.Command{
		Use: "health [URL]", Short: "Ask a running server whether it is ready", Args: oneURL,
		Long: "Asks /readyz of the server at a URL, or at the address that the environment configures, and fails when the\n" +
			"server is not ready or does not answer. For health checks of images, which have no shell.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return runE(func(ctx context.Context) error { return checkHealth(ctx, p, args) })(cmd, args)
		},
	}
}

func oneURL(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("give one URL at most: gatehouse health http://127.0.0.1:8080")
	}
	for _, text := range args {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return fmt.Errorf("%q is not the address of a server, such as http://127.0.0.1:8080", text)
		}
	}
	return nil
}

func checkHealth(ctx context.Context, p Process, args []string) error {
	if len(args) == 0 {
		c, err := config.Load(p.Env)
		if err != nil {
			return err
		}
		args = []string{c.LocalURL()}
	}
	if err := server.CheckHealth(ctx, args[0]); err != nil {
		return err
	}
	_, err := fmt.Fprintln(p.Stdout, args[0], "is ready")
	return err
}
