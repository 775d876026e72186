package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/server"
)

// createAdministrator creates an account that is an administrator's.
func createAdministrator(ctx context.Context, p Process, address string) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		password, err := readPassword(p, "Password of the new administrator: ")
		if err != nil {
			return err
		}
		user, err := service.CreateAdministrator(ctx, address, password)
		if problem.Is(err, problem.EmailTaken) {
			return errors.New("there is an account with this e-mail address, and nothing was changed; " +
				"`gatehouse admin promote EMAIL` gives an account the role ADMIN, with a new password")
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.Stdout, "%s was created with the role ADMIN.\n", user.Email)
		return err
	})
}

// promoteAccount makes the user of an account an administrator, with a new password.
func promoteAccount(ctx context.Context, p Process, address string) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		return replacePassword(ctx, p, service, passwordReplacement{
			address, service.Promote, "now has the role ADMIN and a new password", false,
		})
	})
}

// resetAccount gives an account a new password.
func resetAccount(ctx context.Context, p Process, address string, factors bool) error {
	return withAccounts(ctx, p, func(service *accounts.Service) error {
		reset := func(ctx context.Context, account *accounts.User, password string) (*accounts.User, error) {
			return service.ResetAccount(ctx, account, password, factors)
		}
		return replacePassword(ctx, p, service, passwordReplacement{address, reset, "now has a new password", !factors})
	})
}

// passwordReplacement is a command that gives an account a new password.
type passwordReplacement struct {
	address string
	run     func(ctx context.Context, account *accounts.User, password string) (*accounts.User, error)
	outcome string

	factorsStay bool
}

func replacePassword(ctx context.Context, p Process, service *accounts.Service, c passwordReplacement) error {
	account, err := service.AccountByEmail(ctx, c.address)
	if problem.Is(err, problem.NotFound) {
		return errors.New("there is no account with this e-mail address; " +
			"`gatehouse admin create EMAIL` creates an administrator")
	}
	if err != nil {
		return err
	}
	if err := printAccount(p.Stdout, account); err != nil {
		return err
	}
	password, err := readPassword(p, "New password (none changes nothing): ")
	if err != nil {
		return err
	}
	user, err := c.run(ctx, account.User, password)
	if err != nil {
		return err
	}
	factors := ""
	switch {
	case len(account.Factors) > 0 && c.factorsStay:
		factors = " It still wants its second factor; --factors removes that."
	case len(account.Factors) > 0:
		factors = " Its second factors are removed."
	}
	_, err = fmt.Fprintf(p.Stdout, "%s %s; all its sessions have ended.%s\n", user.Email, c.outcome, factors)
	return err
}

// printAccount prints what tells an operator whose account it is, and no text that its user was free to choose.
func printAccount(w io.Writer, account *accounts.AccountSummary) error {
	confirmed := "nobody has confirmed its e-mail address"
	if account.User.EmailVerified {
		confirmed = "its e-mail address is confirmed"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s exists since %s; %s.\n",
		account.User.Email, account.User.CreatedAt.Format(time.RFC3339), confirmed)
	if len(account.Factors) > 0 {
		b.WriteString("It has a second factor.\n")
	}
	if len(account.Sessions) == 0 {
		b.WriteString("It has no sessions.\n")
	}
	for _, session := range account.Sessions {
		address := "an unknown address"
		if session.IP != nil {
			address = *session.IP
		}
		fmt.Fprintf(&b, "Session since %s, last used %s from %s.\n",
			session.CreatedAt.Format(time.RFC3339), session.LastUsedAt.Format(time.RFC3339), address)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// withAccounts opens the accounts for a command. A problem that the command returns is replaced by its public message.
func withAccounts(ctx context.Context, p Process, do func(*accounts.Service) error) error {
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
	service, err := server.OpenAccounts(ctx, c, db, log)
	if err != nil {
		return err
	}
	return publicMessage(do(service))
}

// publicMessage replaces problems by their public messages.
func publicMessage(err error) error {
	var messages []string
	for _, p := range problem.All(err) {
		messages = append(messages, p.Message)
	}
	if len(messages) == 0 {
		return err
	}
	return errors.New(strings.Join(messages, " "))
}

// readPassword asks for a password at the terminal, without echo, or reads the first line of standard input.
func readPassword(p Process, prompt string) (string, error) {
	if f, ok := p.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(p.Stderr, prompt)
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
