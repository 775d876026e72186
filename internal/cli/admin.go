package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/server"
)

// createAdministrator creates an administrator, or gives an account the role. The password of a new one is read from
// the terminal without echo, or else from the first line of standard input.
func createAdministrator(ctx context.Context, p Process, address string) error {
	c, err := server.ReadConfig(p.Env)
	if err != nil {
		return err
	}
	log := newLog(c.Config, p)
	db, err := server.OpenMigrated(ctx, c.Config, log)
	if err != nil {
		return err
	}
	defer db.Close()
	service, err := server.OpenAccounts(ctx, c, db, log)
	if err != nil {
		return err
	}
	outcome := "now has"
	user, err := service.Promote(ctx, address)
	if problem.Is(err, problem.NotFound) {
		password, err := readPassword(p)
		if err != nil {
			return err
		}
		outcome = "was created with"
		user, err = service.CreateAdministrator(ctx, address, password)
		if err != nil {
			return publicMessage(err)
		}
	} else if err != nil {
		return publicMessage(err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s the role ADMIN.\n", user.Email, outcome)
	return err
}

// publicMessage replaces a problem by its public message.
func publicMessage(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return errors.New(p.Message)
	}
	return err
}

func readPassword(p Process) (string, error) {
	if f, ok := p.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(p.Stderr, "Password of the new administrator: ")
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(p.Stderr)
		return string(text), err
	}
	line, err := bufio.NewReader(io.LimitReader(p.Stdin, 4096)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("no password: give it on standard input, or run this in a terminal to be asked for it")
	}
	if err == io.EOF {
		err = nil
	}
	return line, err
}
