package verify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse/gatehouse/internal/token"
)

// How long keys are cached: as long as the issuer says, within bounds.
const (
	minLifetime     = time.Minute
	defaultLifetime = 5 * time.Minute // where the issuer says nothing
	maxLifetime     = time.Hour
)

// fetched is a key set and how long it may be cached.
type fetched struct {
	keys     []*token.PublicKey
	lifetime time.Duration
}

func fetch(ctx context.Context, client *http.Client, url string) (fetched, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fetched{}, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(r)
	if err != nil {
		return fetched{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fetched{}, fmt.Errorf("the response was %d, not 200", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, token.MaxJWKS+1)) // one more, which ParseJWKS refuses
	if err != nil {
		return fetched{}, err
	}
	list, err := token.ParseJWKS(text)
	return fetched{list, cacheLifetime(response.Header)}, err
}

// cacheLifetime reads Cache-Control (RFC 9111, sections 5.2.2.1, 5.2.2.4 and 5.2.2.5).
func cacheLifetime(h http.Header) time.Duration {
	lifetime := defaultLifetime
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		switch {
		case name == "no-store" || name == "no-cache":
			return minLifetime
		case name == "max-age" && err == nil:
			lifetime = time.Duration(seconds) * time.Second
		}
	}
	return min(max(lifetime, minLifetime), maxLifetime)
}
