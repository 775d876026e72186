package server

import (
	"errors"
	"net"
	"net/url"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/internal/passkey"
)

// passkeys verifies passkeys for the host of the issuer; nil where that is no domain, for which browsers make none.
// On loopback that is localhost, so that pages of http://localhost:8080 can use them with the default issuer.
func (s *Server) passkeys() (*passkey.RelyingParty, error) {
	u, err := url.Parse(s.issuer())
	if err != nil {
		return nil, err
	}
	host, own := u.Hostname(), config.Origin(u)
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		host = "localhost"
	}
	rp, err := passkey.New(passkey.Config{
		ID: host, Name: s.config.AppName, Timeout: accounts.CeremonyTTL,
		AllowsOrigin: func(origin string) bool { return origin == own || s.config.AllowsCookie(origin) },
	})
	if errors.Is(err, passkey.ErrNoDomain) {
		return nil, nil
	}
	return rp, err
}
