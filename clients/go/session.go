package gatehouse

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	// refreshTimeout is how long the server may take for what all goroutines wait for.
	refreshTimeout = 30 * time.Second
	// refreshEarly is how long before its expiry a token is refreshed; a quarter of its life if that is shorter.
	refreshEarly = 30 * time.Second
	// copyWait: a refresh token that was replaced is taken for a copy when it is used more than ten seconds later, and
	// the server then ends the session: that of a thief who was quicker.
	copyWait = 11 * time.Second

	refreshDocument = `mutation Refresh($refreshToken: String) {
  refresh(input: { refreshToken: $refreshToken }) { accessToken expiresIn refreshToken }
}`
)

// token is an access token, and whose it is. The zero value is none.
type token struct {
	text              string
	expires, stale    time.Time // from stale on it is refreshed before it is used
	userID, sessionID string
}

// session changes while Client.changing and Client.mu are held.
type session struct {
	token        token
	refreshToken string
	ended        string // the id of the last session that has ended: an answer with a token of it may still come
}

// payload is what is read of an AuthPayload.
type payload struct {
	AccessToken  string
	ExpiresIn    int // seconds
	RefreshToken *string
}

// refreshCall is a refresh for which goroutines wait.
type refreshCall struct {
	done chan struct{} // closed when err is there
	err  error
}

// newToken reads whose token it is (RFC 9068: `sub` and `sid`). The signature is not looked at: the server made it.
func newToken(p payload) token {
	var claims struct {
		Sub, Sid string
		Iat, Exp int64
	}
	if parts := strings.Split(p.AccessToken, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &claims)
		}
	}
	life := time.Duration(p.ExpiresIn) * time.Second
	if life == 0 {
		life = time.Duration(claims.Exp-claims.Iat) * time.Second
	}
	expires := time.Now().Round(0).Add(life) // by the wall clock: the other one stops while a machine sleeps
	return token{
		text: p.AccessToken, expires: expires, stale: expires.Add(-min(refreshEarly, life/4)),
		userID: claims.Sub, sessionID: claims.Sid,
	}
}

func (c *Client) current() token {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.token
}

// change replaces the session. Its caller holds changing.
func (c *Client) change(ctx context.Context, next session) error {
	c.mu.Lock()
	stored := c.refreshToken
	c.mu.Unlock()
	var err error
	if next.refreshToken != stored {
		// The server has replaced it already: the caller's change of mind is too late.
		err = c.store(context.WithoutCancel(ctx), next.refreshToken)
	}
	if err != nil {
		err = fmt.Errorf("storing the refresh token: %w", err)
		if next.token.text != "" {
			return err
		}
	}
	c.mu.Lock()
	c.session = next
	c.mu.Unlock()
	return err
}

// signIn takes the session of an answer to what was sent with a token.
func (c *Client) signIn(ctx context.Context, p payload, with token) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	t := newToken(p)
	next := c.session
	if t.sessionID != "" && t.sessionID == next.ended {
		return nil
	}
	if t.userID == with.userID && next.token.userID != with.userID {
		return nil // another user has signed in meanwhile
	}
	switch {
	case p.RefreshToken != nil:
		next.refreshToken = *p.RefreshToken
	case t.sessionID != next.token.sessionID:
		next.refreshToken = "" // it was asked for as a cookie
	}
	next.token = t
	return c.change(ctx, next)
}

// end forgets the session of a token, unless another one has begun.
func (c *Client) end(ctx context.Context, of token) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.session.token.sessionID != of.sessionID {
		return nil
	}
	return c.change(ctx, session{ended: of.sessionID})
}

// ready waits until the access token, if there is one, can be used.
func (c *Client) ready(ctx context.Context) error {
	c.mu.Lock()
	t, refreshable := c.token, c.refreshToken != ""
	c.mu.Unlock()
	if !refreshable || (t.text != "" && time.Now().Before(t.stale)) {
		return ctx.Err()
	}
	err := c.refresh(ctx, t)
	if err != nil && ctx.Err() == nil && t.text != "" && time.Now().Before(t.expires) {
		return nil // it can be used for a moment yet
	}
	return err
}

// refresh gets a token in place of one that is stale, once for all who ask meanwhile. Afterwards there is another, or
// the session has ended, or the error says why neither is known. A caller that gives up leaves it to the others.
func (c *Client) refresh(ctx context.Context, stale token) error {
	c.mu.Lock()
	if c.token != stale {
		c.mu.Unlock()
		return ctx.Err()
	}
	call := c.refreshing
	if call == nil {
		call = &refreshCall{done: make(chan struct{})}
		c.refreshing = call
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
			defer cancel()
			err := c.exchange(ctx, stale)
			c.mu.Lock()
			call.err, c.refreshing = err, nil
			c.mu.Unlock()
			close(call.done)
		}()
	}
	c.mu.Unlock()
	select {
	case <-call.done:
		return call.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exchange uses the refresh token. After `used` it does so once more, when the server takes it for a copy.
func (c *Client) exchange(ctx context.Context, stale token) error {
	for late := false; ; late = true {
		c.mu.Lock()
		now, sent := c.token, c.refreshToken
		c.mu.Unlock()
		if now != stale {
			return nil // somebody has signed in
		}
		if sent == "" {
			return c.end(ctx, stale)
		}
		a, err := c.askRefresh(ctx, sent)
		if err != nil {
			return err
		}
		var data struct{ Refresh *payload }
		if json.Unmarshal(a.Data, &data) == nil && data.Refresh != nil {
			return c.renew(ctx, *data.Refresh, sent)
		}
		if len(a.Errors) == 0 || a.Errors[0].Code != InvalidToken {
			return a.err()
		}
		if a.Errors[0].Reason != "used" || late {
			return c.end(ctx, stale)
		}
		select {
		case <-time.After(copyWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Client) askRefresh(ctx context.Context, refreshToken string) (answer, error) {
	request, err := c.newRequest(ctx, refreshDocument, map[string]string{"refreshToken": refreshToken})
	if err != nil {
		return answer{}, err
	}
	response, err := c.base.RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	return readAnswer(response)
}

// renew takes the successor of a refresh token, unless somebody has signed in meanwhile.
func (c *Client) renew(ctx context.Context, p payload, sent string) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	next := c.session
	if next.refreshToken != sent {
		return nil
	}
	next.token = newToken(p)
	if p.RefreshToken != nil {
		next.refreshToken = *p.RefreshToken
	}
	return c.change(ctx, next)
}
