// This program visits a Gatehouse server as a new user would. It shows how a Go program uses the API with the functions
// that genqlient generates and the session that clients/go keeps. It exits 0 when every answer was as expected.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

func main() {
	url := "http://127.0.0.1:8080/graphql"
	if len(os.Args) > 1 {
		url = os.Args[1]
	}
	if err := visit(context.Background(), url); err != nil {
		fmt.Fprintln(os.Stderr, "Not as expected:", err)
		if e, ok := errors.AsType[*gatehouse.Error](err); ok {
			fmt.Fprintln(os.Stderr, "What to do:", advice(e))
		}
		os.Exit(1)
	}
}

// visit is the complete visit of a user. It ends at the first unexpected response.
func visit(ctx context.Context, url string) error {
	email, password := strings.ToLower("ada."+rand.Text()+"@example.com"), rand.Text()
	var stored string // a program that is started again reads it from where only it can read
	config := gatehouse.Config{URL: url, Store: func(_ context.Context, refreshToken string) error {
		stored = refreshToken
		return nil
	}}
	ada, err := connect(config)
	if err != nil {
		return err
	}
	registered, err := register(ctx, ada, RegisterInput{Email: email, Password: password, Name: new("Ada")})
	if err != nil {
		return err
	}
	id := registered.Register.User.Id
	step("register", id)

	_, err = login(ctx, ada, LoginInput{Email: email, Password: "not hers"})
	if err := refused(gatehouse.InvalidCredentials, "login", err); err != nil {
		return err
	}
	if _, err := login(ctx, ada, LoginInput{Email: email, Password: password}); err != nil {
		return err
	}
	step("login", ada.UserID())
	if err := ask(ctx, ada, id); err != nil {
		return err
	}

	config.RefreshToken = stored
	again, err := connect(config)
	if err != nil {
		return err
	}
	step("started again", "the session goes on")
	if err := ask(ctx, again, id); err != nil {
		return err
	}
	return leave(ctx, again)
}

func connect(config gatehouse.Config) (client, error) {
	c, err := gatehouse.New(config)
	return client{c}, err
}

// ask checks that the session is that of the user with this id.
func ask(ctx context.Context, ada client, id string) error {
	answer, err := me(ctx, ada)
	if err != nil {
		return err
	}
	user := answer.Me
	if user == nil || user.Id != id || user.Name == nil {
		return fmt.Errorf("me answered %+v, and not the named user with id %s", user, id)
	}
	since := user.CreatedAt.Format(time.RFC3339Nano)
	step("me", fmt.Sprintf("%s, %v, %s, since %s", *user.Name, user.Roles, user.Status, since))
	return nil
}

// leave changes the user's name, signs out, and wants to be nobody from then on.
func leave(ctx context.Context, ada client) error {
	lovelace := UpdateProfileInput{Name: new("Ada Lovelace")}
	updated, err := updateProfile(ctx, ada, lovelace)
	if err != nil {
		return err
	}
	name := updated.UpdateProfile.User.Name
	if name == nil || *name != "Ada Lovelace" {
		return errors.New("updateProfile did not change the name")
	}
	step("updateProfile", *name)

	if err := ada.SignOut(ctx); err != nil {
		return err
	}
	step("sign out", "done")
	_, err = updateProfile(ctx, ada, lovelace)
	return refused(gatehouse.Unauthenticated, "updateProfile", err)
}

// refused takes the expected refusal; it returns an error for an answer or for any other error.
func refused(expected gatehouse.Code, name string, err error) error {
	if err == nil {
		return fmt.Errorf("%s was answered instead of refused", name)
	}
	e, ok := errors.AsType[*gatehouse.Error](err)
	if !ok || e.Code != expected {
		return err
	}
	step(name, fmt.Sprintf("refused with %s: %s", e.Code, advice(e)))
	return nil
}

func step(name, result string) { fmt.Printf("%-14s%s\n", name, result) }
