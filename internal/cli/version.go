package cli

import (
	"fmt"
	"runtime/debug"
)

// Version is the version of a release. Its build sets it:
// -ldflags "-X github.com/gatehouse/gatehouse/internal/cli.Version=v1.2.3".
var Version string

func printVersion(p Process) error {
	_, err := fmt.Fprintln(p.Stdout, "gatehouse", version())
	return err
}

// version returns Version or, in a build that did not set it, what Go recorded: a tag, or the commit.
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
