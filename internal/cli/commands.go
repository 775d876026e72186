package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
)

// runtimeError is an error of a command that was written as it should be. Every other error is one of usage.
type runtimeError struct{ error }

func (e runtimeError) Unwrap() error { return e.error }

// runE returns what cobra runs for a command, whose errors are runtime errors.
func runE(f func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if err := f(cmd.Context()); err != nil {
			return runtimeError{err}
		}
		return nil
	}
}

// runAsOperator is runE for a command that may change something: the audit log has the user of the operating system.
func runAsOperator(f func(ctx context.Context) error) func(*cobra.Command, []string) error {
	return runE(func(ctx context.Context) error { return f(accounts.AsOperator(ctx, operator())) })
}

// missingVerb returns what cobra runs for a command that needs another word.
func missingVerb(usage string) func(*cobra.Command, []string) error {
	return func(*cobra.Command, []string) error { return errors.New("say what to do: " + usage) }
}

// commands returns the program's commands.
func commands(p Process) *cobra.Command {
	serve := runE(func(ctx context.Context) error { return serve(ctx, p) })
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "A GraphQL accounts API whose schema is its access policy",
		Long: "Gatehouse is a GraphQL accounts API whose schema is its access policy.\n" +
			"Without a command it serves, on 127.0.0.1:8080 with a SQLite file in this folder unless the environment says " +
			"otherwise.",
		Args:          cobra.NoArgs,
		RunE:          serve,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		keysCommand(p),
		secretCommand(p),
		&cobra.Command{
			Use: "serve", Short: "Serve (what gatehouse does without a command)", Args: cobra.NoArgs, RunE: serve,
		},
		migrateCommand(p),
		databaseCommand(p),
		healthCommand(p),
		adminCommand(p),
		sessionsCommand(p),
		mailCommand(p),
		accessCommand(p),
		auditCommand(p),
		&cobra.Command{
			Use: "version", Short: "Print the version", Args: cobra.NoArgs,
			RunE: runE(func(context.Context) error { return printVersion(p) }),
		},
		&cobra.Command{
			Use: hashCommand, Hidden: true, Short: "Hash passwords for the server that started this", Args: cobra.NoArgs,
			RunE: runE(func(context.Context) error { return hash(p) }),
		},
		&cobra.Command{Use: "config", Short: "The environment variables, with their defaults", Long: configHelp()},
	)
	refuseUnknownHelp(root)
	return root
}

// refuseUnknownHelp makes help on an unknown command an error, which cobra answers with the help of the root.
func refuseUnknownHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, args []string) error {
		if found, rest, err := root.Find(args); err != nil || found == root && len(args) > 0 || len(rest) > 0 {
			return fmt.Errorf("there is no help on %q", strings.Join(args, " "))
		}
		return nil
	}
}

func migrateCommand(p Process) *cobra.Command {
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version's schema", Args: cobra.NoArgs,
		RunE: runE(func(ctx context.Context) error { return migrateDatabase(ctx, p) }),
	}
	migrate.AddCommand(&cobra.Command{
		Use: "status", Short: "Print the database's version without changing it", Args: cobra.NoArgs,
		RunE: runE(func(ctx context.Context) error { return migrationStatus(ctx, p) }),
	})
	return migrate
}

func adminCommand(p Process) *cobra.Command {
	admin := &cobra.Command{
		Use: "admin", Short: "Administrators, and accounts whose owners are locked out",
		RunE: missingVerb("gatehouse admin create EMAIL, admin promote EMAIL or admin reset EMAIL"),
	}
	admin.AddCommand(
		adminVerb(p, createAdministrator, cobra.Command{
			Use: "create EMAIL", Short: "Create an administrator",
			Long: "Creates an administrator. It fails when the e-mail address has an account: see gatehouse admin promote.\n" +
				passwordHelp,
		}),
		adminVerb(p, promoteAccount, cobra.Command{
			Use: "promote EMAIL", Short: "Give an account the role ADMIN and a new password",
			Long: "Gives an account the role ADMIN and a new password, after it says since when and from where the account\n" +
				"exists: a stranger may have registered the address. All its sessions end, its known devices are\n" +
				"forgotten and its second factors removed, so nothing that opened the account before opens it afterwards.\n" + passwordHelp,
		}),
		resetCommand(p),
	)
	return admin
}

func resetCommand(p Process) *cobra.Command {
	factors := false
	reset := adminVerb(p, func(ctx context.Context, p Process, address string) error {
		return resetAccount(ctx, p, address, factors)
	}, cobra.Command{
		Use: "reset EMAIL", Short: "Give an account a new password",
		Long: "Gives an account a new password, for an owner who is locked out. All its sessions end, and its known devices\n" +
			"are forgotten. Its second factors stay, unless --factors removes them: ask whether it is the owner who asks.\n" +
			passwordHelp,
	})
	reset.Flags().BoolVar(&factors, "factors", false, "remove its second factors and recovery codes too: its owner has lost them")
	return reset
}

const passwordHelp = "The password is asked for, or read from the first line of standard input."

// adminVerb returns a command with one e-mail address as its argument.
func adminVerb(p Process, run func(context.Context, Process, string) error, c cobra.Command) *cobra.Command {
	c.Args = oneAddress
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return runAsOperator(func(ctx context.Context) error { return run(ctx, p, args[0]) })(cmd, args)
	}
	return &c
}

// oneAddress accepts the address of an account and nothing else: a password is never an argument.
func oneAddress(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one e-mail address: gatehouse admin %s", c.Use)
	}
	return nil
}

func accessCommand(p Process) *cobra.Command {
	access := &cobra.Command{Use: "access", Short: "Print who may use what", Args: cobra.NoArgs}
	asJSON := access.Flags().Bool("json", false, "for machines")
	former := access.Flags().String("check", "", "fail when the schema grants more than this FILE of a former --json")
	access.RunE = runE(func(context.Context) error {
		if access.Flags().Changed("check") {
			return checkAccess(p.Stdout, *former)
		}
		return printAccess(p.Stdout, *asJSON)
	})
	return access
}

func keysCommand(p Process) *cobra.Command {
	keys := &cobra.Command{
		Use: "keys", Short: "Signing keys", RunE: missingVerb("gatehouse keys list, or gatehouse keys rotate"),
	}
	keys.AddCommand(&cobra.Command{
		Use: "list", Short: "Print the signing keys and what each is for", Args: cobra.NoArgs,
		RunE: runE(func(ctx context.Context) error { return listKeys(ctx, p) }),
	}, rotateCommand(p))
	return keys
}

func rotateCommand(p Process) *cobra.Command {
	var r accounts.Rotation
	rotate := &cobra.Command{
		Use: "rotate", Short: "Create the next signing key", Args: cobra.NoArgs,
		Long: "Creates the next signing key. It is published now and signs in ten minutes; the one before it verifies\n" +
			"until the last token that it signed has expired. Running servers take it up by themselves.",
		RunE: runAsOperator(func(ctx context.Context) error { return rotateKeys(ctx, p, r) }),
	}
	rotate.Flags().StringVar(&r.Algorithm, "algorithm", "", "EdDSA, ES256 or RS256 (default: as the key before it)")
	rotate.Flags().BoolVar(&r.Revoke, "revoke", false,
		"a key leaked: the new one signs immediately, and no older one verifies any more")
	return rotate
}

// configHelp lists every variable.
func configHelp() string {
	var b strings.Builder
	b.WriteString("Configuration is read from these environment variables only:\n\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, v := range config.Variables() {
		help := v.Help
		if v.Default != "" {
			help += " (default " + v.Default + ")"
		}
		fmt.Fprintf(t, "  %s\t%s\n", v.Name, help)
	}
	t.Flush()
	b.WriteString("\nTracing follows OpenTelemetry's own: " +
		"OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER=otlp switch it on.\n")
	return strings.TrimRight(b.String(), "\n")
}
