package cli

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/server"
)

// serve runs the server until the context ends.
func serve(ctx context.Context, p Process) error {
	c, err := server.ReadConfig(p.Env)
	if err != nil {
		return err
	}
	out := logging.NewAsyncWriter(p.Stdout)
	defer out.Close()
	return server.Run(ctx, c, server.Options{
		Log:        newLog(c.Config, p),
		LogStats:   p.logStats,
		Version:    version(),
		Ready:      func(address string) { fmt.Fprintln(out, readyMessage(c.Config, address)) },
		HashWorker: func(maxConcurrent int) *exec.Cmd { return hashWorker(maxConcurrent, p.Stderr) },
		Standalone: p.Standalone,
		Audit:      p.Audit,
		Timeout:    p.Timeout,
	})
}

// readyMessage is the line that says where the pages are: at the issuer's address where one is configured, because the
// listener's may mean nothing outside of a container.
func readyMessage(c *config.Config, address string) string {
	base := strings.TrimSuffix(cmp.Or(c.Issuer, address), "/")
	message := fmt.Sprintf("Gatehouse is ready. GraphQL: %s/graphql", base)
	if c.ShowPlayground() {
		message = fmt.Sprintf("Gatehouse is ready. Playground: %s/", base)
	}
	if c.AccountURL == "" {
		message += fmt.Sprintf(" Account: %s/account", base)
	}
	if c.ShowInbox() {
		message += fmt.Sprintf(" Mails: %s/inbox", base)
	}
	return message
}
