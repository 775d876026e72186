// Gatehouse is a GraphQL accounts API whose schema is its access policy.
package main

import (
	"os"

	"github.com/gatehouse/gatehouse/internal/cli"
)

func main() {
	p := cli.Process{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	p.Standalone = true
	os.Exit(cli.Run(cli.UntilSignal(), p))
}
