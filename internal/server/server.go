package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/requestid"
	"github.com/gatehouse/gatehouse/internal/revocationfeed"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
	"github.com/gatehouse/gatehouse/web"
)

// Server is what the packages were composed into.
type Server struct {
	Handler http.Handler            // of the public listener
	tend    []func(context.Context) // what runs beside the requests, each until its context ends
}

// New composes the packages. The address is the issuer where none is configured.
func New(ctx context.Context, c *Config, db *database.Database, address string, log *slog.Logger) (*Server, error) {
	signing, err := OpenKeys(ctx, c, db, log)
	if err != nil {
		return nil, err
	}
	access, err := newIssuer(c, signing.Keys, address)
	if err != nil {
		return nil, err
	}
	service, err := newAccounts(c, db, signing, access, log)
	if err != nil {
		return nil, err
	}
	door, guard, err := newDoor(c, service, address, log)
	if err != nil {
		return nil, err
	}
	callers := viewer.Sources{Verify: access.Verify, Session: service.Viewer, Proxies: c.TrustedProxies}
	c.watch.rooms(service, db, access, guard)
	public := requestid.Middleware(graphqlhttp.CORS(c.Origins, graphqlhttp.Timeout(c.timeout, viewer.Middleware(callers, door))))
	return &Server{
		Handler: c.watch.handler(routes(ctx, c, public, guard.Access(), signing.Keys, service, db), log),
		tend:    tending(service, signing, db, log),
	}, nil
}

// OperationTimeout bounds one request of /graphql, from the question who is asking to the answer.
const OperationTimeout = 10 * time.Second

// OpenAccounts makes the rules of accounts alone, for commands that serve nothing.
func OpenAccounts(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (*accounts.Service, error) {
	signing, err := OpenKeys(ctx, c, db, log)
	if err != nil {
		return nil, err
	}
	access, err := newIssuer(c, signing.Keys, "http://"+c.Addr)
	if err != nil {
		return nil, err
	}
	return newAccounts(c, db, signing, access, log)
}

func newIssuer(c *Config, keys *token.Keys, address string) (*token.Issuer, error) {
	return token.NewIssuer(token.Config{
		Keys:     keys,
		Issuer:   cmp.Or(c.Issuer, address),
		Audience: c.Audience,
		TTL:      c.AccessTTL,
	})
}

func newAccounts(c *Config, db *database.Database, s *SigningKeys, access *token.Issuer, log *slog.Logger) (*accounts.Service, error) {
	passwords, err := password.New(password.Config{Cost: c.hashingCost, MaxConcurrent: c.hashesAtOnce, Derive: c.derive})
	if err != nil {
		return nil, err
	}
	refresh, err := token.NewRefreshTokens(c.secret, nil)
	if err != nil {
		return nil, err
	}
	var throttle *accounts.ThrottleConfig
	if c.throttle != nil {
		throttle = &accounts.ThrottleConfig{Limits: *c.throttle, Secret: c.secret, Shared: db.Shared()}
	}
	return accounts.New(accounts.Config{
		Client:       db.Client,
		Passwords:    passwords,
		Access:       access,
		Refresh:      refresh,
		RefreshTTL:   c.RefreshTTL,
		SessionTTL:   c.SessionTTL,
		MaxTokenTTL:  s.life,
		MaxPage:      c.limits.Page,
		SessionCache: accounts.SessionCacheConfig{Shared: db.Shared()},
		Throttle:     throttle,
		IsRetryable:  database.Contended,
		Log:          log,
		OnEvent:      c.watch.happened(log),
	})
}

// newDoor makes the handler of /graphql, and its guard.
func newDoor(c *Config, service *accounts.Service, address string, log *slog.Logger) (http.Handler, *authz.Guard, error) {
	issuer, err := url.Parse(cmp.Or(c.Issuer, address))
	if err != nil {
		return nil, nil, err
	}
	schema := graph.NewSchema(service)
	guard, err := graph.NewGuard(schema.Schema(), graph.GuardConfig{
		Introspection: c.ShowPlayground(),
		Audit:         c.audit,
		Present:       graph.ErrorPresenter{Log: log, Unavailable: database.Unavailable}.Present,
		Log:           log,
	})
	if err != nil {
		return nil, nil, err
	}
	guard.Describe()
	return graph.NewHandler(graph.HandlerConfig{
		Config: graphqlhttp.Config{
			Schema:        schema,
			Extensions:    []graphql.HandlerExtension{guard},
			Documents:     guard.QueryCache(graphqlhttp.CachedDocuments),
			Limits:        c.limits,
			Timeout:       c.timeout,
			Introspection: c.ShowPlayground(),
			Log:           log,
			Observe:       c.watch.observer(log),
		},
		Issuer:      issuer,
		Origins:     append([]string{config.Origin(issuer)}, c.Origins...),
		Unavailable: database.Unavailable,
	}), guard, nil
}

// routes puts every door of the public listener at its path.
func routes(ctx context.Context, c *Config, door http.Handler, table []authz.Access, keys *token.Keys, service *accounts.Service, db *database.Database) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", door)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(keys.JWKS(time.Now()))
	})
	if tokens := c.RevocationTokens(); len(tokens) > 0 {
		mux.Handle("GET /revocations", revocationfeed.Handler(revocationfeed.Config{
			Tokens: tokens, Subscribe: service.Subscribe, InForce: service.Revocations, Done: ctx.Done(),
			Keys: func() []string { return keys.IDs(time.Now()) },
		}))
	}
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
		access := web.Access(accessPage(table))
		mux.Handle("/access", access)
		mux.Handle("/access.css", access)
		mux.Handle("/", web.Handler())
	}
	return mux
}
