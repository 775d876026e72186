package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestSignIn_WaitsAsLongAsItIsTold: a server that hashes for too many says when to ask again, and any other refusal is
// final.
func TestSignIn_WaitsAsLongAsItIsTold(t *testing.T) {
	const putOff = `{"data":null,"errors":[{"extensions":{"code":"RATE_LIMITED","retryAfter":1}}]}`
	const wrong = `{"data":null,"errors":[{"extensions":{"code":"INVALID_CREDENTIALS"}}]}`
	for first, asked := range map[string]int32{putOff: 2, wrong: 1} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if requests.Add(1) == 1 {
				fmt.Fprint(w, first)
				return
			}
			fmt.Fprint(w, `{"data":{"login":{"accessToken":"a token"}}}`)
		}))
		defer server.Close()
		began := time.Now()
		tokens, err := signIn(t.Context(), &process{address: server.Listener.Addr().String()}, 1, 1)
		testenv.Equal(t, asked, requests.Load(), "requests after %s", first)
		switch {
		case asked == 1 && err == nil:
			t.Errorf("%s: signed in", first)
		case asked == 2 && (err != nil || tokens[0] != "a token" || time.Since(began) < time.Second):
			t.Errorf("%v after %v: %v", tokens, time.Since(began), err)
		}
	}
}

// TestUsersWorkload_SaysWhyThereIsNoFirstCursor, and nothing of the pages that were to follow it.
func TestUsersWorkload_SaysWhyThereIsNoFirstCursor(t *testing.T) {
	const denied = `{"data":null,"errors":[{"extensions":{"code":"FORBIDDEN"}}]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := denied
		if r.Header.Get("Authorization") == "" {
			answer = `{"data":{"login":{"accessToken":"a token"}}}`
		}
		fmt.Fprint(w, answer)
	}))
	defer server.Close()
	_, err := usersWorkload(t.Context(), &process{address: server.Listener.Addr().String()}, 10, 1000)
	if err == nil || !strings.Contains(err.Error(), "FORBIDDEN") || strings.Contains(err.Error(), "not as expected") {
		t.Errorf("%v; want the server's answer alone", err)
	}
}
