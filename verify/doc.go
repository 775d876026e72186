// Package verify checks Gatehouse's access tokens in another Go service: a middleware of net/http that has the public
// keys from the issuer's key set and, if it is told to, hears from the issuer at once which sessions have ended.
//
// It knows tokens and who is calling; what a caller may do is the service's own decision. It writes an answer only where
// it refuses, and it refuses when in doubt: without keys, and without news from a feed that was asked for, nobody is let
// in (503), and nobody is let in as a stranger instead.
//
// Without the feed, a token is good until it expires, minutes later, though its session has ended or its user's roles
// have changed. With the feed that is a matter of milliseconds, and of MaxSilence at most; the price is that the service
// depends on its issuer being there. What is decided is whether a request may begin: who serves one request for long, or
// keeps a socket open, asks Verify again.
package verify
