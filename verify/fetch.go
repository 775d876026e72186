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

// How long keys are kept: as long as the issuer says, within bounds.
const (
	leastAge   = time.Minute
	usualAge   = 5 * time.Minute // where the issuer says nothing
	longestAge = time.Hour
)

// fetch gets a key set and how long it may be kept.
func fetch(ctx context.Context, client *http.Client, url string) ([]*token.PublicKey, time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the answer was %d, not 200", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, token.MaxJWKS+1)) // one more, which ParseJWKS refuses
	if err != nil {
		return nil, 0, err
	}
	list, err := token.ParseJWKS(text)
	return list, maxAge(answer.Header), err
}

// maxAge reads Cache-Control (RFC 9111, sections 5.2.2.1, 5.2.2.4 and 5.2.2.5).
func maxAge(h http.Header) time.Duration {
	age := usualAge
	for directive := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.ToLower(strings.TrimSpace(directive)), "=")
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		switch {
		case name == "no-store" || name == "no-cache":
			return leastAge
		case name == "max-age" && err == nil:
			age = time.Duration(seconds) * time.Second
		}
	}
	return min(max(age, leastAge), longestAge)
}
