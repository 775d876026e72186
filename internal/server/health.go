package server

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthTimeout bounds CheckHealth. Readiness answers within two seconds.
const healthTimeout = 5 * time.Second

// CheckHealth asks a server at an address such as http://127.0.0.1:8080 whether it is ready. Its error says what it
// answered. It follows no redirect and uses no proxy: what they lead to is not this server.
func CheckHealth(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(address, "/")+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return fmt.Errorf("asking %s: %w: does the server run, and at this address?", r.URL, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, 200))
		return fmt.Errorf("%s answered %s: %s", r.URL, response.Status, strings.TrimSpace(string(said)))
	}
	return nil
}
