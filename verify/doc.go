// Package verify checks Gatehouse's access tokens in another Go service (a resource server). It is a middleware of
// net/http that fetches the issuer's public keys and, if configured, follows the issuer's feed of revocations.
//
// It authenticates; authorization is the service's own decision. Middleware writes a response only to refuse, and it
// fails closed: without keys, or when a configured feed is silent, every request with a token is refused (503). No
// request is let in as anonymous instead. Optional lets every request in and writes nothing, for a service that also
// answers anonymous callers: From then returns the token or why there is none, and the service decides.
//
// Without the feed, a token is valid until it expires, minutes later, even if its session has ended or its user's roles
// have changed. With the feed that takes milliseconds, and MaxSilence at most; in return the service depends on its
// issuer being up. Verify decides whether a request may begin: a service that works on one request for long, or keeps a
// socket open, calls Verify again.
package verify
