// Package introspection tells other services whether a personal access token can be used, and for what: POST
// /introspect (RFC 7662). Package verify is its client. It knows HTTP, and what package accounts says of a text. Every
// text that is no personal access token that can be used is {"active":false}: also an access token, which services check
// themselves.
package introspection

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/bearer"
	"github.com/gatehouse/gatehouse/internal/requestid"
)

const (
	maxBodyLen = 16 << 10 // bytes
	timeout    = 5 * time.Second
)

// Config configures Handler.
type Config struct {
	Tokens     []string                                                       // required: each authorizes services
	Introspect func(context.Context, string) (*accounts.Introspection, error) // required
	Issuer     string                                                         // required: iss
	ClientID   string                                                         // required: client_id, as access tokens have it
	Log        *slog.Logger                                                   // required
}

// response is the members of RFC 7662, section 2.2, and the roles as access tokens have them.
type response struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	ExpiresAt int64    `json:"exp,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"` // of the token: a sid of the feed of revocations ends it
	Roles     []string `json:"roles,omitempty"`
}

// Handler answers POST /introspect.
func Handler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !bearer.Authorized(r.Header, c.Tokens) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="gatehouse introspection"`)
			http.Error(w, "send Authorization: Bearer and a token of GATEHOUSE_REVOCATIONS_TOKEN", http.StatusUnauthorized)
			return
		}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "send the token by POST", http.StatusMethodNotAllowed)
			return
		}
		text, ok := tokenOf(w, r)
		if !ok {
			http.Error(w, "send one token, as application/x-www-form-urlencoded: token=…", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(requestid.Ensure(r.Context()), timeout)
		defer cancel()
		found, err := c.Introspect(ctx, text)
		if err != nil {
			c.Log.WarnContext(ctx, "a service could not be told what a personal access token is good for", "error", err)
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the database does not answer; try again", http.StatusServiceUnavailable)
			return
		}
		body, err := json.Marshal(c.response(found))
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
}

// tokenOf reads the only parameter token of a body. A token in the URL would be in logs: it is none.
func tokenOf(w http.ResponseWriter, r *http.Request) (string, bool) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return "", false
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyLen)
	if r.ParseForm() != nil || len(r.PostForm["token"]) != 1 {
		return "", false
	}
	return r.PostForm.Get("token"), true
}

func (c Config) response(found *accounts.Introspection) response {
	if found == nil {
		return response{}
	}
	return response{
		Active: true, Scope: strings.Join(found.Scopes, " "), ClientID: c.ClientID, TokenType: "Bearer",
		ExpiresAt: found.ExpiresAt.Unix(), Subject: found.UserID.String(), Issuer: c.Issuer, ID: found.TokenID.String(),
		Roles: found.Roles,
	}
}
