package e2e

import (
	"context"
	"errors"
	"testing"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestGoClient_KeepsASession takes clients/go through a session of a server.
func TestGoClient_KeepsASession(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, "GATEHOUSE_DATABASE_URL="+dbtest.SQLite(t))
	account, ctx := s.Register(), context.Background()
	var stored string
	config := gatehouse.Config{URL: s.URL + "/graphql", Store: func(_ context.Context, token string) error {
		stored = token
		return nil
	}}
	first, err := gatehouse.New(config)
	servertest.Check(t, err)
	login := func(password string) error {
		input := map[string]any{"input": map[string]string{"email": account.Email, "password": password}}
		return first.Do(ctx, `mutation Login($input: LoginInput!) {
			login(input: $input) { accessToken expiresIn refreshToken }
		}`, input, nil)
	}
	refused := func(err error, code gatehouse.Code) {
		t.Helper()
		e, ok := errors.AsType[*gatehouse.Error](err)
		if !ok || e.Code != code {
			t.Errorf("the error is %v, want %s", err, code)
		}
	}
	refused(login("a wrong password"), gatehouse.InvalidCredentials)
	servertest.Check(t, login(servertest.Password))

	config.RefreshToken = stored
	c, err := gatehouse.New(config) // the program starts again
	servertest.Check(t, err)
	var data struct{ Me struct{ ID string } }
	servertest.Check(t, c.Do(ctx, servertest.Me, nil, &data))
	testenv.Equal(t, account.ID, data.Me.ID, "me")
	testenv.Equal(t, account.ID, c.UserID(), "who is signed in")
	if config.RefreshToken == stored {
		t.Error("the refresh token was not replaced")
	}
	token, err := c.AccessToken(ctx)
	servertest.Check(t, err)
	servertest.Check(t, c.SignOut(ctx))
	testenv.Equal(t, "", stored, "what is stored")
	refused(c.Do(ctx, `mutation { revokeOtherSessions { success } }`, nil, nil), gatehouse.Unauthenticated)
	if answer := s.Ask(token, servertest.Me); !answer.Has("UNAUTHENTICATED") {
		t.Errorf("the access token opens something after the end of its session: %s", answer.Body)
	}
}
