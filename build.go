package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
	"github.com/gatehouse/gatehouse/web"
)

// cachedQueries is how many parsed queries, with their plans, are kept.
const cachedQueries = 1000

// build makes the handler of the public listener, room by room.
func build(ctx context.Context, c *config.Config, db *database.Database, address string, log *slog.Logger) (http.Handler, error) {
	secret, keys, err := openKeys(ctx, c, db)
	if err != nil {
		return nil, err
	}
	issuer := c.Issuer
	if issuer == "" {
		issuer = address
	}
	access, err := token.NewIssuer(token.Config{Keys: keys, Issuer: issuer, Audience: c.Audience, TTL: c.AccessTTL})
	if err != nil {
		return nil, err
	}
	service, err := newAccounts(c, db, secret, access, log)
	if err != nil {
		return nil, err
	}
	door, err := newDoor(c, service, log)
	if err != nil {
		return nil, err
	}
	callers := viewer.Sources{Verify: access.Verify, Session: service.Viewer}
	return routes(c, viewer.Middleware(callers, door), keys, db), nil
}

// openKeys reads the secret, holds it against the database's digest, and opens the signing key.
func openKeys(ctx context.Context, c *config.Config, db *database.Database) (*token.Secret, *token.Keys, error) {
	text, source, err := c.ReadSecret()
	if err != nil {
		return nil, nil, err
	}
	secret, err := token.ParseSecret(text)
	if err != nil {
		return nil, nil, config.Invalid(source, err)
	}
	if err := accounts.CheckSecret(ctx, db.Client, secret); err != nil {
		return nil, nil, config.Invalid(source, err)
	}
	key, err := signingKey(ctx, c, db, secret)
	if err != nil {
		return nil, nil, err
	}
	keys, err := token.NewKeys(key)
	return secret, keys, err
}

func signingKey(ctx context.Context, c *config.Config, db *database.Database, secret *token.Secret) (*token.Key, error) {
	pem, err := c.ReadSigningKey()
	if err != nil {
		return nil, err
	}
	if pem == nil {
		return accounts.SigningKey(ctx, db.Client, secret, time.Now())
	}
	key, err := token.ParseKey(pem)
	if err != nil {
		return nil, config.Invalid("GATEHOUSE_SIGNING_KEY", err)
	}
	return key, nil
}

func newAccounts(c *config.Config, db *database.Database, secret *token.Secret, access *token.Issuer, log *slog.Logger) (*accounts.Service, error) {
	cost, err := password.ParseCost(c.Argon2)
	if err != nil {
		return nil, config.Invalid("GATEHOUSE_ARGON2", err)
	}
	if cost.Below(password.DefaultCost) && !c.Loopback() {
		return nil, config.Invalid("GATEHOUSE_ARGON2", fmt.Errorf("%v is less than %v, which only a server on loopback may use", cost, password.DefaultCost))
	}
	passwords, err := password.New(password.Config{Cost: cost})
	if err != nil {
		return nil, err
	}
	refresh, err := token.NewRefreshTokens(secret, nil)
	if err != nil {
		return nil, err
	}
	return accounts.New(accounts.Config{
		Client:     db.Client,
		Passwords:  passwords,
		Access:     access,
		Refresh:    refresh,
		RefreshTTL: c.RefreshTTL,
		SessionTTL: c.SessionTTL,
		Log:        log,
	})
}

// newDoor makes the handler of /graphql, guarded.
func newDoor(c *config.Config, service *accounts.Service, log *slog.Logger) (http.Handler, error) {
	limits, err := graph.ParseLimits(c.Limits)
	if err != nil {
		return nil, config.Invalid("GATEHOUSE_LIMITS", err)
	}
	schema := graph.NewSchema(service)
	guard, err := graph.NewGuard(schema.Schema(), graph.GuardConfig{
		Introspection: c.ShowPlayground(),
		Present:       graph.Presenter{Log: log, Unavailable: database.Unavailable}.Present,
		Log:           log,
	})
	if err != nil {
		return nil, err
	}
	queries, err := guard.QueryCache(cachedQueries)
	if err != nil {
		return nil, err
	}
	return graph.NewHandler(graph.HandlerConfig{
		Schema:        schema,
		Extensions:    []graphql.HandlerExtension{guard},
		Queries:       queries,
		Limits:        limits,
		Introspection: c.ShowPlayground(),
		Log:           log,
		Unavailable:   database.Unavailable,
	}), nil
}

// routes puts every door of the public listener at its path.
func routes(c *config.Config, door http.Handler, keys *token.Keys, db *database.Database) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", door)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(keys.JWKS())
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := db.Ready(r.Context()); err != nil {
			http.Error(w, "the database is not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	if c.ShowPlayground() {
		mux.HandleFunc("GET /schema.graphql", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/graphql; charset=utf-8")
			fmt.Fprint(w, graph.SDL())
		})
		mux.Handle("/", web.Handler())
	}
	return mux
}
