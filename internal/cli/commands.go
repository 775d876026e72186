package cli

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
)

// failure is an error of the work, and not of how the command was written.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

func isFailure(err error) bool {
	var f failure
	return errors.As(err, &f)
}

// does turns a function of the world into what a command runs.
func does(f func(cmd *cobra.Command) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		if err := f(cmd); err != nil {
			return failure{err}
		}
		return nil
	}
}

// commands returns the program's commands.
func commands(p Process) *cobra.Command {
	serveDoes := does(func(cmd *cobra.Command) error { return serve(cmd.Context(), p) })
	root := &cobra.Command{
		Use:           "gatehouse",
		Short:         "A GraphQL accounts API whose schema is its access policy",
		Long:          "Gatehouse is a GraphQL accounts API whose schema is its access policy.\nWithout a command it serves, on 127.0.0.1:8080 with a SQLite file in this folder unless the environment says otherwise.",
		Args:          cobra.NoArgs,
		RunE:          serveDoes,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	migrate := &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version's schema", Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command) error { return migrateDatabase(cmd.Context(), p) }),
	}
	migrate.AddCommand(&cobra.Command{
		Use: "status", Short: "Tell the database's version without changing it", Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command) error { return migrationStatus(cmd.Context(), p) }),
	})
	admin := &cobra.Command{Use: "admin", Short: "Administrators", RunE: func(cmd *cobra.Command, args []string) error {
		return errors.New("say what to do: gatehouse admin create EMAIL")
	}}
	create := &cobra.Command{
		Use: "create EMAIL", Short: "Make an administrator, or give an account the role", Args: oneAddress,
		Long: "Makes an administrator, or gives an account the role ADMIN.\nThe password of a new one is asked for, or read from the first line of standard input.",
	}
	create.RunE = func(cmd *cobra.Command, args []string) error {
		return does(func(cmd *cobra.Command) error { return createAdministrator(cmd.Context(), p, args[0]) })(cmd, args)
	}
	admin.AddCommand(create)
	access := &cobra.Command{Use: "access", Short: "Print who may use what", Args: cobra.NoArgs}
	asJSON := access.Flags().Bool("json", false, "for machines")
	former := access.Flags().String("check", "", "fail when the schema grants more than this FILE of a former --json")
	access.RunE = does(func(*cobra.Command) error {
		if access.Flags().Changed("check") {
			return checkAccess(p.Stdout, *former)
		}
		return printAccess(p.Stdout, *asJSON)
	})
	keys := &cobra.Command{Use: "keys", Short: "Signing keys", RunE: func(*cobra.Command, []string) error {
		return errors.New("say what to do: gatehouse keys list, or gatehouse keys rotate")
	}}
	keys.AddCommand(&cobra.Command{
		Use: "list", Short: "Print the signing keys and what each is for", Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command) error { return listKeys(cmd.Context(), p) }),
	}, rotateCommand(p))
	root.AddCommand(
		keys,
		&cobra.Command{Use: "serve", Short: "Serve (what gatehouse does without a command)", Args: cobra.NoArgs, RunE: serveDoes},
		migrate,
		admin,
		access,
		&cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, RunE: does(func(cmd *cobra.Command) error {
			_, err := fmt.Fprintln(p.Stdout, "gatehouse", version())
			return err
		})},
		&cobra.Command{
			Use: hashCommand, Hidden: true, Short: "Hash passwords for the server that has started this", Args: cobra.NoArgs,
			RunE: does(func(*cobra.Command) error { return hash(p) }),
		},
		&cobra.Command{Use: "config", Short: "The environment variables, with their defaults", Long: configHelp()},
	)
	root.InitDefaultHelpCmd()
	help, _, _ := root.Find([]string{"help"})
	help.Args = func(_ *cobra.Command, args []string) error {
		if found, rest, err := root.Find(args); err != nil || found == root && len(args) > 0 || len(rest) > 0 {
			return fmt.Errorf("there is no help on %q", strings.Join(args, " "))
		}
		return nil
	}
	return root
}

func rotateCommand(p Process) *cobra.Command {
	var r accounts.Rotation
	rotate := &cobra.Command{
		Use: "rotate", Short: "Make the next signing key", Args: cobra.NoArgs,
		Long: "Makes the next signing key. It is published now and signs in ten minutes; the one before it verifies until the\n" +
			"last token that it signed has expired. Running servers take it up by themselves.",
	}
	rotate.Flags().StringVar(&r.Algorithm, "algorithm", "", "EdDSA, ES256 or RS256 (default: as the key before it)")
	rotate.Flags().BoolVar(&r.Revoke, "revoke", false, "a key leaked: the new one signs at once, and no older one verifies any more")
	rotate.RunE = does(func(cmd *cobra.Command) error { return rotateKeys(cmd.Context(), p, r) })
	return rotate
}

// oneAddress wants the address of an administrator, and nothing else: a password is never an argument.
func oneAddress(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("give one e-mail address: gatehouse admin create EMAIL")
	}
	return nil
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
	b.WriteString("\nTraces follow OpenTelemetry's own: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_TRACES_EXPORTER=otlp switch them on.\n")
	return strings.TrimRight(b.String(), "\n")
}

// Version is the version of a release, which its build sets: -ldflags "-X github.com/gatehouse/gatehouse/internal/cli.Version=v1.2.3".
var Version string

// version returns Version or, in a build without it, what Go recorded: a tag, or the commit.
func version() string {
	if Version != "" {
		return Version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return s.Value
		}
	}
	return info.Main.Version
}
