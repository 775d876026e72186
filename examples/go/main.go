// This program visits a Gatehouse server as a new user would. It shows how a Go program uses the API with the functions
// that genqlient generates, and exits 0 when every answer was as expected.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	url := "http://127.0.0.1:8080/graphql"
	if len(os.Args) > 1 {
		url = os.Args[1]
	}
	if err := visit(context.Background(), url); err != nil {
		fmt.Fprintln(os.Stderr, "Not as expected:", err)
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			fmt.Fprintln(os.Stderr, "What to do:", advice(refusal))
		}
		os.Exit(1)
	}
}

// visit is the complete visit of a user. It ends at the first unexpected response.
func visit(ctx context.Context, url string) error {
	email, password := strings.ToLower("ada."+rand.Text()+"@example.com"), rand.Text()
	anonymous := connect(url, "")

	registered, err := register(ctx, anonymous, RegisterInput{Email: email, Password: password, Name: new("Ada")})
	if err != nil {
		return err
	}
	user := registered.Register.User
	if user.Email != email {
		return fmt.Errorf("registered %s instead of %s", user.Email, email)
	}
	step("register", user.Id)

	_, err = login(ctx, anonymous, LoginInput{Email: email, Password: "not hers"})
	if err := refused(ErrorCodeInvalidCredentials, "login", err); err != nil {
		return err
	}
	loggedIn, err := login(ctx, anonymous, LoginInput{Email: email, Password: password})
	if err != nil {
		return err
	}
	step("login", loggedIn.Login.User.Id)
	if err := ask(ctx, url, loggedIn.Login.AccessToken, user.Id); err != nil {
		return err
	}

	refreshed, err := refresh(ctx, anonymous, RefreshInput{RefreshToken: loggedIn.Login.RefreshToken})
	if err != nil {
		return err
	}
	step("refresh", fmt.Sprintf("for %d seconds", refreshed.Refresh.ExpiresIn))
	if err := ask(ctx, url, refreshed.Refresh.AccessToken, user.Id); err != nil {
		return err
	}
	return leave(ctx, url, refreshed.Refresh.AccessToken)
}

// ask checks that the access token belongs to the user with this id.
func ask(ctx context.Context, url, accessToken, id string) error {
	answer, err := me(ctx, connect(url, accessToken))
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

// leave changes the user's name, logs out, and wants the access token to be worth nothing from then on.
func leave(ctx context.Context, url, accessToken string) error {
	ada := connect(url, accessToken)

	updated, err := updateProfile(ctx, ada, UpdateProfileInput{Name: new("Ada Lovelace")})
	if err != nil {
		return err
	}
	name := updated.UpdateProfile.User.Name
	if name == nil || *name != "Ada Lovelace" {
		return errors.New("updateProfile did not change the name")
	}
	step("updateProfile", *name)

	left, err := logout(ctx, ada)
	if err != nil {
		return err
	}
	if !left.Logout.Success {
		return errors.New("logout did not succeed")
	}
	step("logout", "done")

	_, err = me(ctx, ada)
	return refused(ErrorCodeUnauthenticated, "me", err)
}

// refused takes the expected refusal; it returns an error for an answer or for any other error.
func refused(expected ErrorCode, name string, err error) error {
	if err == nil {
		return fmt.Errorf("%s was answered instead of refused", name)
	}
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok || refusal.Code != expected {
		return err
	}
	step(name, fmt.Sprintf("refused with %s: %s", refusal.Code, advice(refusal)))
	return nil
}

func step(name, result string) { fmt.Printf("%-14s%s\n", name, result) }
