package accounts_test

import (
	"context"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/password"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestStats_WaitingForAHashIsByClass: unknown devices and live sessions wait behind a hash that does not end.
func TestStats_WaitingForAHashIsByClass(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		others := newFlood(t, password.Config{QueueTimeout: time.Hour})
		busy := h.instance(func(c *accounts.Config) { c.Passwords = others.hasher })
		others.begin()
		ctx, cancel := context.WithCancel(t.Context())
		ended, waiting := make(chan struct{}, 5), map[string]int{"known": 0, "unknown": 0}
		wants := func(class string, n int, ask func()) {
			for range n {
				go func() { ask(); ended <- struct{}{} }()
			}
			waiting[class] += n
			testenv.Eventually(t, "they wait", testenv.HangGuard, func() bool {
				of := busy.Stats().HashingOf
				return of["known"] == waiting["known"] && of["unknown"] == waiting["unknown"]
			})
		}
		wants("unknown", 2, func() {
			_, _ = busy.Login(ctx, at("192.0.2.8"), accounts.LoginInput{Email: ada, Password: otherPassword})
		})
		wants("known", 3, func() {
			_, _ = busy.Reauthenticate(ctx, p.Viewer, accounts.ReauthenticateInput{Password: ptr(otherPassword)})
		})
		cancel()
		for range cap(ended) {
			<-ended
		}
		wantEqual(t, "waiting afterwards", map[string]int{"known": 0, "unknown": 0}, busy.Stats().HashingOf)
		others.end()
	})
}
