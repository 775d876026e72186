// Package server composes the program from its packages, and opens and closes them in order. It alone knows how each is
// made; it has no rules of accounts, no flags and no words that a command prints.
package server

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/logging"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/outbox"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/token"
)

// operationTimeout bounds one request to /graphql, from authentication to the response.
const operationTimeout = 10 * time.Second

// Options is what a server takes beside its configuration.
type Options struct {
	Log        *slog.Logger  // required
	Address    string        // of the public listener, as an URL: the issuer when none is configured; Run sets it
	Version    string        // of the program
	Standalone bool          // nothing else runs in this process: Go's runtime may be tuned
	Audit      bool          // compare each executed field with the authorization plan
	Timeout    time.Duration // of one operation; default operationTimeout

	LogStats func() logging.Stats // how far the reader of the log is behind; default: not at all

	// Ready is called when requests are answered. Required by Run.
	Ready func(address string)
	// HashWorker returns a process that hashes passwords on so many processors. Required by Run when Standalone.
	HashWorker func(processors int) *exec.Cmd

	derive   func(pw, salt []byte, c password.Cost) ([]byte, error) // nil: hashes are computed in this process
	observer observer
}

// Server is the composed program without its listeners.
type Server struct {
	Handler http.Handler // of the public listener

	config   *Config
	options  Options
	log      *slog.Logger
	db       *database.Database
	keys     *SigningKeys
	tokens   *token.Issuer
	accounts *accounts.Service
	outbox   *outbox.Outbox
	guard    *authz.Guard
	sender   mail.Sender // nil: mail is off
	inbox    *mail.Inbox // nil unless it is the sender
	graphql  *graphqlhttp.Handler
	public   *httpserver.Server // nil before Run serves
	failures failures           // of background tasks
	table    []route            // of the public listener
}

// New composes a server on a database of this version's schema. The context ends its streams of revocations.
func New(ctx context.Context, c *Config, db *database.Database, o Options) (*Server, error) {
	s := newServer(c, db, o)
	if err := s.openAccounts(ctx); err != nil {
		return nil, err
	}
	err := accounts.StoreRefreshTTL(ctx, db.Client, c.RefreshTTL)
	if err != nil {
		return nil, err
	}
	if err = s.openMail(); err != nil {
		return nil, err
	}
	if err = s.openOutbox(); err != nil {
		return nil, err
	}
	if s.graphql, err = s.newGraphQLHandler(); err != nil {
		return nil, err
	}
	s.options.observer.register(s)
	s.Handler = s.newHandler(ctx, s.graphql)
	return s, nil
}

// OpenAccounts composes only what commands need that serve nothing.
func OpenAccounts(ctx context.Context, c *Config, db *database.Database, log *slog.Logger) (*accounts.Service, error) {
	s := newServer(c, db, Options{Log: log, Address: "http://" + c.Addr})
	err := s.openAccounts(ctx)
	return s.accounts, err
}

func newServer(c *Config, db *database.Database, o Options) *Server {
	o.Timeout = cmp.Or(o.Timeout, operationTimeout)
	if o.LogStats == nil {
		o.LogStats = func() logging.Stats { return logging.Stats{} }
	}
	return &Server{config: c, db: db, options: o, log: o.Log}
}

func (s *Server) issuer() string { return cmp.Or(s.config.Issuer, s.options.Address) }

func (s *Server) openAccounts(ctx context.Context) (err error) {
	onEvent, memory := s.options.observer.onEvent(s.log), s.config.budget(os.DirFS("/"))
	if s.keys, err = openKeys(ctx, s.config, s.db, onEvent); err != nil {
		return err
	}
	s.tokens, err = token.NewIssuer(token.Config{
		Keys: s.keys.Keys, Issuer: s.issuer(), Audience: s.config.Audience, TTL: s.config.AccessTTL,
		CacheBytes: memory.tokens,
	})
	if err != nil {
		return err
	}
	passwords, err := password.New(password.Config{
		Cost: s.config.hashingCost, MaxConcurrent: maxConcurrentHashes(s.config.HashWorker == "on"), Derive: s.options.derive,
	})
	if err != nil {
		return err
	}
	refresh, err := token.NewRefreshTokens(s.config.secrets, nil)
	if err != nil {
		return err
	}
	oneTime, err := token.NewOneTimeTokens(s.config.secrets)
	if err != nil {
		return err
	}
	personalKey, err := accounts.PersonalKey(ctx, s.db.Client, s.config.secrets)
	if err != nil {
		return err
	}
	personal, err := token.NewPersonalTokens(personalKey, nil)
	if err != nil {
		return err
	}
	factorKey, err := accounts.FactorKey(ctx, s.db.Client, s.config.secrets)
	if err != nil {
		return err
	}
	throttle, err := s.throttle(ctx)
	if err != nil {
		return err
	}
	passkeys, err := s.passkeys()
	if err != nil {
		return config.Invalid("GATEHOUSE_ISSUER", err)
	}
	s.accounts, err = accounts.New(accounts.Config{
		Client:        s.db.Client,
		Postgres:      s.db.Shared(),
		Transactions:  s.db.MaxTransactions(),
		Passwords:     passwords,
		Access:        s.tokens,
		Refresh:       refresh,
		OneTime:       oneTime,
		FactorKey:     factorKey,
		Passkeys:      passkeys,
		AppName:       s.config.AppName,
		Personal:      personal,
		Registration:  accounts.RegistrationMode(s.config.Registration),
		AdminMFA:      s.config.AdminMFA == "required",
		MailOff:       s.config.SMTPURL == "" && !s.config.ShowInbox(),
		RefreshTTL:    s.config.RefreshTTL,
		SessionTTL:    s.config.SessionTTL,
		MaxTokenTTL:   s.keys.maxTTL,
		MaxPage:       s.config.limits.Page,
		Retention:     s.config.Retention,
		DeletionGrace: s.config.DeletionGrace,
		SessionCache:  accounts.SessionCacheConfig{Bytes: memory.sessions},
		Throttle:      throttle,
		IsRetryable:   database.Contended,
		Log:           s.log,
		OnSwept:       s.options.observer.onSwept(s.log),
		OnEvent:       onEvent,
		OnEnqueued:    s.wakeOutbox,
	})
	return err
}

func (s *Server) throttle(ctx context.Context) (*accounts.ThrottleConfig, error) {
	if s.config.throttle == nil {
		return nil, nil
	}
	key, err := accounts.CounterKey(ctx, s.db.Client, s.config.secrets)
	return &accounts.ThrottleConfig{
		Limits: *s.config.throttle, Secrets: s.config.secrets, Key: key, Shared: s.db.Shared(),
	}, err
}

// maxConcurrentHashes leaves a processor to other requests when passwords are hashed in this process.
func maxConcurrentHashes(inWorker bool) int {
	if inWorker {
		return runtime.GOMAXPROCS(0)
	}
	return max(1, runtime.GOMAXPROCS(0)-1)
}

// newGraphQLHandler returns the handler of /graphql without the middleware before it.
func (s *Server) newGraphQLHandler() (*graphqlhttp.Handler, error) {
	issuer, err := url.Parse(s.issuer())
	if err != nil {
		return nil, err
	}
	introspection := s.config.ShowPlayground()
	schema, cache := graph.LoadSchema(), authz.NewQueryCache(graphqlhttp.CachedDocuments)
	s.guard, err = graph.NewGuard(schema, graph.GuardConfig{
		Accounts:      s.accounts,
		AdminMFA:      s.config.AdminMFA == "required",
		QueryCache:    cache,
		Introspection: introspection,
		Audit:         s.options.Audit,
		Present:       graph.ErrorPresenter{Log: s.log, Unavailable: database.Unavailable}.Present,
		Log:           s.log,
	})
	if err != nil {
		return nil, err
	}
	s.guard.Describe()
	return graph.NewHandler(graph.HandlerConfig{
		Config: graphqlhttp.Config{
			Schema:        graph.NewSchema(schema, s.accounts, s.guard),
			Extensions:    []graphql.HandlerExtension{s.guard},
			Documents:     cache,
			Limits:        s.config.limits,
			Introspection: introspection,
			Log:           s.log,
			Observe:       s.options.observer.observe(s.log, s.accounts.Denied),
		},
		Issuer: issuer,
		AllowCookie: func(origin string) bool {
			return origin == config.Origin(issuer) || s.config.AllowsCookie(origin)
		},
		Unavailable: database.Unavailable,
		Closed:      s.keys.foreign.Load,
	}), nil
}
