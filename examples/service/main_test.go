package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/verify"
)

// keySet has the key of RFC 8037, appendix A.
const keySet = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"test"}]}`

func TestHello_NeedsAnAccessToken(t *testing.T) {
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, keySet) }))
	defer issuer.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	urls, stopped := make(chan string, 1), make(chan error, 1)
	config := verify.Config{Issuer: "https://id.example.org", JWKS: issuer.URL, Clock: func() time.Time { return theTime }}
	go func() { stopped <- run(ctx, "127.0.0.1:0", config, func(url string) { urls <- url }) }()
	url := <-urls
	for credential, want := range map[string]string{
		"Bearer " + sign(): `{"roles":["USER"],"userId":"0197c1b0-0000-7000-8000-0000000000ab"}`,
		"Bearer a.b.c":     "The access token is invalid; sign in again.",
		"":                 "An access token is needed; send one as Authorization: Bearer TOKEN.",
	} {
		r := must(http.NewRequestWithContext(ctx, http.MethodGet, url+"/hello", nil))
		r.Header.Set("Authorization", credential)
		response := must(http.DefaultClient.Do(r))
		text := must(io.ReadAll(response.Body))
		response.Body.Close()
		testenv.Equal(t, want, strings.TrimSpace(string(text)), "%.20q", credential)
	}
	stop()
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
