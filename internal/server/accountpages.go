package server

import (
	"net/url"
	"time"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/web"
)

func (s *Server) accountConfig() web.AccountConfig {
	return web.AccountConfig{
		App:          s.config.AppName,
		Registration: s.config.Registration,
		GraceDays:    int(s.config.DeletionGrace / (24 * time.Hour)),
		Redirect:     func(address string) bool { return mayRedirect(s.config.AllowsCookie, s.issuer(), address) },
	}
}

// maxRedirectLen bounds the address of a page to which a user is sent on, in bytes.
const maxRedirectLen = 2000

// mayRedirect reports whether the page at /account may send a signed-in user on to an address: to a page of the issuer's
// own origin, or of one that may use the cookie, since what is there may act for the user anyway.
func mayRedirect(allows func(origin string) bool, issuer, address string) bool {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxRedirectLen || u.User != nil || u.Host == "" || u.String() != address {
		return false
	}
	own, err := url.Parse(issuer)
	return allows(config.Origin(u)) || err == nil && config.Origin(own) == config.Origin(u)
}
