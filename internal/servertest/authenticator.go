package servertest

import (
	"encoding/base32"
	"encoding/json"
	"time"

	"github.com/gatehouse/gatehouse/internal/totp"
)

const totpStep = 30 * time.Second

// Authenticator is the authenticator app of an account, with its recovery codes.
type Authenticator struct {
	Recovery []string

	secret totp.Secret
	next   int64 // the first step whose code was not shown
}

// Code returns a code that was not shown before. The server takes that of now, and the one after it; for a third one
// within half a minute it waits.
func (a *Authenticator) Code() string {
	step := max(a.next, time.Now().Unix()/int64(totpStep.Seconds()))
	a.next = step + 1
	at := time.Unix(step*int64(totpStep.Seconds()), 0)
	time.Sleep(time.Until(at.Add(-totpStep)))
	return a.secret.Code(at)
}

// NewAuthenticator sets up an app by the secret that startTotp gave.
func NewAuthenticator(secret string) (*Authenticator, error) {
	raw, err := base32.StdEncoding.DecodeString(secret)
	return &Authenticator{secret: raw}, err
}

// AddAuthenticator sets up an app for the user of an access token.
func (c *Client) AddAuthenticator(access string) *Authenticator {
	c.t.Helper()
	a, err := NewAuthenticator(c.Must(access, "mutation { startTotp { secret } }").Field("secret"))
	Check(c.t, err)
	answer := c.Must(access, `mutation { confirmTotp(input: {code: "`+a.Code()+`"}) { recoveryCodes } }`)
	var body struct {
		Data struct {
			ConfirmTotp struct{ RecoveryCodes []string }
		}
	}
	Check(c.t, json.Unmarshal([]byte(answer.Body), &body))
	a.Recovery = body.Data.ConfirmTotp.RecoveryCodes
	return a
}

// Challenge signs in by password to an account with a second factor.
func (c *Client) Challenge(email, password string) string {
	c.t.Helper()
	answer := c.Ask("", signIn("login", email, password))
	if answer.Code() != "SECOND_FACTOR_REQUIRED" {
		c.t.Fatalf("login: %v", answer)
	}
	return answer.Field("challenge")
}
