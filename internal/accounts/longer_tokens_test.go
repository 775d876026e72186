package accounts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/token"
)

const longerTTL = 3 * time.Hour

// longer starts an instance whose tokens live longer than those of the fixture, which runs and is told nothing.
func (h *fixture) longer() *fixture {
	h.t.Helper()
	return h.withTTL(longerTTL)
}

// withTTL starts an instance whose access tokens live for another time.
func (h *fixture) withTTL(ttl time.Duration) *fixture {
	h.t.Helper()
	longest := must(accounts.MaxTokenTTL(h.t.Context(), h.db.Client, ttl))
	key := must(token.GenerateKey(token.EdDSA))
	access := must(token.NewIssuer(token.Config{Keys: must(token.NewKeys(key.WithoutSchedule())),
		Issuer: "https://id.example.org", Audience: "gatehouse", TTL: ttl, Clock: h.clock.Now}))
	return h.instance(func(c *accounts.Config) { c.MaxTokenTTL, c.Access = longest, access })
}

// expiry is when the access token of a payload expires.
func expiry(h *fixture, p *accounts.AuthPayload) time.Time {
	return h.clock.Now().Add(time.Duration(p.ExpiresIn) * time.Second)
}

// TestEndings_OutliveTokensOfAnInstanceThatStartedLater: an instance that knows only shorter tokens ends a session that
// has a longer one. Readers of revocations hear of it, and are told it, for as long as that token lives.
func TestEndings_OutliveTokensOfAnInstanceThatStartedLater(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		must(accounts.MaxTokenTTL(t.Context(), h.db.Client, accessTTL))
		later := h.longer()
		for name, end := range endings {
			start := h.clock.Now()
			caller := h.must(h.register(uuid.NewString()+"@example.com", goodPassword))
			other := h.must(later.login(caller.User.Email, goodPassword))
			expires := expiry(h, other)
			notices, cancel := h.Subscribe()
			check(t, end(t.Context(), h, caller, other))
			last := h.db.Client.Revocation.Query().Order().IDsX(t.Context())
			h.HandleChanges(t.Context(), []accounts.Change{{UserID: caller.User.ID, RevocationID: slices.Max(last)}})
			if told := (<-notices).Revocation.Until; told.Before(expires) {
				t.Errorf("%s: subscribers keep it until %v, and the token lives until %v", name, told, expires)
			}
			cancel()
			for _, reader := range []*fixture{h, later} {
				for _, at := range []time.Duration{0, accessTTL + time.Minute, longerTTL - time.Second, longerTTL + time.Minute} {
					h.clock.set(start.Add(at))
					inForce := slices.ContainsFunc(must(reader.Revocations(t.Context())), func(r accounts.Revocation) bool {
						return r.SessionID == other.Viewer.SessionID && !r.Until.Before(expires)
					})
					if want := at < longerTTL+time.Minute; inForce != want {
						t.Errorf("%s: in force %v after it: %v", name, at, inForce)
					}
				}
			}
		}
	})
}

// TestRotate_KeepsKeysForTokensOfAnInstanceThatStartedLater: a rotation by an instance that knows only shorter tokens,
// before and after one with longer tokens starts, which signs with the old key until the new one does.
func TestRotate_KeepsKeysForTokensOfAnInstanceThatStartedLater(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		must(accounts.MaxTokenTTL(t.Context(), h.db.Client, accessTTL))
		k, ttl := h.signingKeys(theSecret), accessTTL
		for i, starts := range []string{"never", "after the rotation", "before the rotation"} {
			load(t, k)
			start := func() {
				ttl = longerTTL * time.Duration(i)
				must(accounts.MaxTokenTTL(t.Context(), h.db.Client, ttl))
			}
			if starts == "before the rotation" {
				start()
			}
			check(t, k.Rotate(t.Context(), accounts.Rotation{}))
			h.clock.move(accounts.KeyLead - time.Second)
			if starts == "after the rotation" {
				start()
			}
			issuer := must(token.NewIssuer(token.Config{Keys: must(token.NewKeys(load(t, k)...)), TTL: ttl,
				Issuer: "https://id.example.org", Audience: "gatehouse", Clock: h.clock.Now}))
			text := must(issuer.Issue(token.Claims{UserID: someID(t), SessionID: someID(t), AuthenticatedAt: h.clock.Now()}))
			h.clock.move(ttl - time.Second)
			if _, err := h.instanceOf(load(t, k)).Verify(text); err != nil {
				t.Errorf("the longer tokens start %s: %v", starts, err)
			}
			h.clock.move(time.Minute)
			if n := len(load(t, k)); n != 1 {
				t.Errorf("the longer tokens start %s: %d keys when the last token is dead", starts, n)
			}
		}
	})
}

// TestMaxTokenTTL_OfParallelStartsIsTheLongest: none overwrites a longer one.
func TestMaxTokenTTL_OfParallelStartsIsTheLongest(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for round := range 5 {
			most := time.Duration(8+round) * time.Hour
			inParallel(8, func(i int) {
				must(accounts.MaxTokenTTL(t.Context(), h.db.Client, most-time.Duration(i)*time.Minute))
			})
			got := must(accounts.MaxTokenTTL(t.Context(), h.db.Client, time.Second))
			wantEqual(t, fmt.Sprint("round ", round), most, got)
		}
	})
}
