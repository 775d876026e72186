package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
	"github.com/gatehouse/gatehouse/internal/httpserver"
	"github.com/gatehouse/gatehouse/internal/introspection"
	"github.com/gatehouse/gatehouse/internal/passkey"
	"github.com/gatehouse/gatehouse/internal/revocationfeed"
	"github.com/gatehouse/gatehouse/internal/viewer"
	"github.com/gatehouse/gatehouse/web"
)

type middleware = func(http.Handler) http.Handler

// stack returns a handler behind middleware, of which the first meets a request first.
func stack(h http.Handler, all ...middleware) http.Handler {
	for i := len(all) - 1; i >= 0; i-- {
		h = all[i](h)
	}
	return h
}

// newHandler returns the handler of the public listener. Middleware is stacked here and nowhere else, but for what
// httpserver does to each connection.
func (s *Server) newHandler(ctx context.Context, graphql http.Handler) http.Handler {
	callers := viewer.Config{Verify: s.tokens.Verify, Session: s.accounts.Viewer, Personal: s.accounts.TokenViewer}
	graphql = stack(graphql,
		func(h http.Handler) http.Handler { return graphqlhttp.Begin(s.options.Timeout, h) },
		s.cors,
		func(h http.Handler) http.Handler { return viewer.Middleware(callers, h) },
	)
	s.table = s.routes(ctx, graphql)
	handler := http.Handler(newMux(s.table))
	if s.config.Loopback() {
		handler = ownHosts(s.config.IsOwnHost, handler)
	}
	return s.observed(handler)
}

// cors lets pages of other origins call /graphql where the configuration says so. A page that it does not name sees an
// error without a reason, so the log has the reason.
func (s *Server) cors(h http.Handler) http.Handler {
	return graphqlhttp.CORS(graphqlhttp.CORSConfig{
		Allow: s.config.AllowsOrigin,
		Refused: func(ctx context.Context, origin string) {
			s.log.WarnContext(ctx,
				"a page of this origin may not call; if it is yours, add the origin to GATEHOUSE_ALLOWED_ORIGINS",
				"origin", origin)
		},
	}, h)
}

// observed locates and traces requests, and counts and answers panics.
func (s *Server) observed(h http.Handler) http.Handler {
	return stack(h,
		func(h http.Handler) http.Handler { return viewer.Locate(s.config.TrustedProxies, h) },
		attribute,
		s.options.observer.trace,
		func(h http.Handler) http.Handler { return graphqlhttp.Recover(s.log, s.options.observer.onPanic, h) },
	)
}

// attribute has a trusted proxy's connection count for the client whose request it sends.
func attribute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserver.Attribute(r.Context(), func() []string { return viewer.From(r.Context()).Origin.Names() })
		next.ServeHTTP(w, r)
	})
}

// audience says who may use a route. A test asks each route as nobody.
type audience string

const (
	byRules  audience = "whom the rules of schema.graphql name, operation by operation"
	everyone audience = "everyone"
	services audience = "who knows a token of GATEHOUSE_REVOCATIONS_TOKEN"
	// thisMachine is checked where routes are served, with directOnly.
	thisMachine audience = "clients of this machine, without a proxy between"
)

// route is one path of the public listener.
type route struct {
	pattern string
	who     audience
	why     string
	handler http.Handler
}

// path returns a path that the pattern matches.
func (r route) path() string {
	return strings.TrimSuffix(r.pattern[strings.Index(r.pattern, "/"):], "{$}")
}

// routes is the table of every path of the public listener. What is not in it is not served.
func (s *Server) routes(ctx context.Context, graphql http.Handler) []route {
	all := []route{
		{"/graphql", byRules, "the guard decides each operation", graphql},
		{"/graphql/{$}", byRules, "the same, for clients that write the slash", graphql},
		{"GET /healthz", everyone, "says that the process runs", http.HandlerFunc(serveHealth)},
		{"GET /readyz", everyone, "says whether the database can be used", http.HandlerFunc(s.serveReadiness)},
	}
	for path, document := range map[string]http.HandlerFunc{
		keysPath:                                  s.serveKeys,
		"/.well-known/openid-configuration":       s.serveMetadata,
		"/.well-known/oauth-authorization-server": s.serveMetadata,
	} {
		all = append(all, route{"GET " + path, everyone, "public keys and names, for those who check tokens",
			graphqlhttp.PublicCORS(document)})
		all = append(all, route{"OPTIONS " + path, everyone, "lets pages read them",
			graphqlhttp.PublicCORS(http.NotFoundHandler())})
	}
	all = append(all, route{"GET " + passkey.RelatedOriginsPath, everyone,
		"tells browsers which pages of other domains may use passkeys", passkey.RelatedOrigins(s.config.Origins)})
	if tokens := s.config.RevocationTokens(); len(tokens) > 0 {
		all = append(all, route{"/introspect", services, "says what personal access tokens are good for", introspection.Handler(
			introspection.Config{Tokens: tokens, Introspect: s.accounts.Introspect, Issuer: s.issuer(),
				ClientID: s.config.Audience, Log: s.log})})
		all = append(all, route{"GET /revocations", services, "names users and sessions", revocationfeed.Handler(
			revocationfeed.Config{
				Tokens: tokens, Subscribe: s.accounts.Subscribe, InForce: s.accounts.Revocations, Done: ctx.Done(),
				Keys: func() []string { return s.keys.Keys.IDs(time.Now()) }, Log: s.log,
			})})
	}
	linked := []string{"access"} // by the Playground
	if s.config.AccountURL == "" {
		linked = append(linked, "account", "admin")
		all = append(all, s.pageRoutes(graphql)...)
	}
	if s.inbox != nil {
		linked = append(linked, "inbox")
		inbox := web.Inbox(s.inboxPage)
		all = append(all,
			route{"/inbox", thisMachine, "mails of development, with what opens accounts", inbox},
			route{"/inbox.css", everyone, "its style", inbox},
			route{"POST /development/administrator", thisMachine, "a made-up account of which the inbox could take any",
				http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.serveNewAdministrator))})
	}
	if s.config.ShowPlayground() {
		access := web.Access(accessPage(s.guard.Access()))
		all = append(all,
			route{"GET /schema.graphql", everyone, "the schema, where introspection is on",
				http.HandlerFunc(serveSchema)},
			route{"/access", everyone, "the rules of the schema", access},
			route{"/access.css", everyone, "its style", access},
			route{"/", everyone, "the Playground's files", web.Handler(linked...)})
	}
	return all
}

// pageRoutes are the paths of the pages for users and administrators.
func (s *Server) pageRoutes(graphql http.Handler) (all []route) {
	add := func(h http.Handler, why string, paths ...string) {
		for _, path := range paths {
			all = append(all, route{"GET " + path, everyone, why, h})
		}
	}
	below := func(page string, names []string) (paths []string) {
		for _, name := range names {
			paths = append(paths, page+"/"+name)
		}
		return paths
	}
	users, administrators := s.accountConfig(), s.adminConfig()
	users.Answer = answerAsNobody(graphql)
	account, admin := web.Account(users), web.Admin(administrators)
	add(account, "where users sign in and look after their account", "/account", "/account/{$}")
	add(account, "pages of links in mails; a button sends their token", below("/account", web.AccountPages)...)
	for _, path := range below("/account", web.AccountPages) {
		all = append(all, route{"POST " + path, everyone, "their forms, of browsers that run no script",
			http.NewCrossOriginProtection().Handler(account)})
	}
	add(account, "their scripts and styles", below("/account", users.Files())...)
	add(admin, "shows administrators what the guard lets them see", "/admin", "/admin/{$}")
	add(admin, "its scripts and styles", below("/admin", administrators.Files())...)
	return all
}

// newMux serves a table of routes.
func newMux(table []route) *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range table {
		if r.who == thisMachine {
			r.handler = directOnly(r.handler)
		}
		if r.who != byRules {
			r.handler = alone(r.handler)
		}
		mux.Handle(r.pattern, r.handler)
	}
	return mux
}

// alone keeps an answer out of the frames, and out of the reach, of other pages. Handlers of pages have a policy of their
// own.
func alone(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

func serveHealth(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

const keysPath = "/.well-known/jwks.json"

// serveMetadata tells other services the issuer's name and where its keys are (RFC 8414 and OpenID Connect Discovery).
// Gatehouse has none of OAuth's endpoints, so there is no more to tell.
func (s *Server) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	json.NewEncoder(w).Encode(map[string]string{
		"issuer": s.issuer(), "jwks_uri": strings.TrimSuffix(s.issuer(), "/") + keysPath,
	})
}

// serveKeys serves none with a secret that is not the database's: among them may be one that was revoked since.
func (s *Server) serveKeys(w http.ResponseWriter, _ *http.Request) {
	if s.keys.foreign.Load() {
		http.Error(w, "this instance does not know the keys now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Write(s.keys.Keys.JWKS(time.Now()))
}

func (s *Server) serveReadiness(w http.ResponseWriter, r *http.Request) {
	switch err := s.ready(r.Context()); {
	case errors.Is(err, accounts.ErrSecretMismatch):
		http.Error(w, "the secret is not the one that the database is used with", http.StatusServiceUnavailable)
	case err != nil:
		http.Error(w, "the database is not ready", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ready")
	}
}

// ready says whether requests can be answered. It returns within two seconds.
func (s *Server) ready(ctx context.Context) error {
	if s.keys.foreign.Load() {
		return accounts.ErrSecretMismatch
	}
	return s.db.Ready(ctx)
}

func serveSchema(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/graphql; charset=utf-8")
	fmt.Fprint(w, graph.SDL())
}
