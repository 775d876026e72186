package server

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gatehouse/gatehouse/internal/config"
	"github.com/gatehouse/gatehouse/web"
)

func (s *Server) accountConfig() web.AccountConfig {
	return web.AccountConfig{
		App:          s.config.AppName,
		Registration: s.config.Registration,
		GraceDays:    int(s.config.DeletionGrace / (24 * time.Hour)),
		Theme:        s.config.theme,
		Redirect:     func(address string) bool { return mayRedirect(s.config.AllowsCookie, s.issuer(), address) },
	}
}

func (s *Server) adminConfig() web.AdminConfig {
	c := web.AdminConfig{App: s.config.AppName, GraceDays: s.accountConfig().GraceDays, Theme: s.config.theme}
	if s.config.ShowPlayground() {
		c.Pages = []string{"access"}
	}
	return c
}

// answerAsNobody answers operations that the client of a request has not sent itself: another page could have sent the
// request, so it counts for nobody, or for whom an access token names.
func answerAsNobody(graphql http.Handler) func(r *http.Request, operation []byte, accessToken string) []byte {
	return func(r *http.Request, operation []byte, accessToken string) []byte {
		asked, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "/graphql", bytes.NewReader(operation))
		if err != nil {
			return nil
		}
		asked.RemoteAddr, asked.Host = r.RemoteAddr, r.Host
		asked.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
		for _, name := range []string{"User-Agent", "Accept-Language"} {
			asked.Header[name] = r.Header[name]
		}
		if accessToken != "" {
			asked.Header.Set("Authorization", "Bearer "+accessToken)
		}
		response := &recorder{header: http.Header{}}
		graphql.ServeHTTP(response, asked)
		return response.body.Bytes()
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
	if _, err := strconv.ParseUint(cmp.Or(u.Port(), "0"), 10, 16); err != nil { // no browser goes there
		return false
	}
	own, err := url.Parse(issuer)
	return allows(config.Origin(u)) || err == nil && config.Origin(own) == config.Origin(u)
}

// maxThemeLen bounds the file of GATEHOUSE_THEME, in bytes.
const maxThemeLen = 64 << 10

// readTheme reads the operator's style. Wherever it points to, the page's policy lets it load nothing.
func (c *Config) readTheme() error {
	if c.Theme == "" {
		return nil
	}
	text, err := os.ReadFile(c.Theme)
	switch {
	case err != nil:
	case len(text) > maxThemeLen:
		err = fmt.Errorf("%s has %d bytes; %d are allowed", c.Theme, len(text), maxThemeLen)
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		err = fmt.Errorf("%s is no text in UTF-8", c.Theme)
	case !bytes.ContainsRune(text, '{') || bytes.HasPrefix(bytes.TrimSpace(text), []byte("<")):
		err = errors.New(c.Theme + " is no CSS; write rules such as :root { --accent: #0a7d4f }")
	}
	if err != nil {
		return config.Invalid("GATEHOUSE_THEME", err)
	}
	c.theme = text
	return nil
}
