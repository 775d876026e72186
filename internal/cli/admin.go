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

// createAdministrator makes an administrator, or gives an account the role. A new one's password is read from the
// terminal, unseen, or else from the first line of standard input.
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
	made := "now has"
	user, err := service.Promote(ctx, address)
	if problem.Is(err, problem.NotFound) {
		password, err := readPassword(p)
		if err != nil {
			return err
		}
		made = "was made with"
		user, err = service.CreateAdministrator(ctx, address, password)
		if err != nil {
			return publicly(err)
		}
	} else if err != nil {
		return publicly(err)
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s the role ADMIN.\n", user.Email, made)
	return err
}

// publicly says a problem in its public words.
func publicly(err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
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
