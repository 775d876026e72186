package gatehouse_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	gatehouse "github.com/gatehouse/gatehouse/clients/go"
)

var ctx = context.Background()

// signedIn runs a test with a client of ann, in a bubble with a clock of its own.
func signedIn(t *testing.T, run func(t *testing.T, s *server, c *gatehouse.Client, stored *string)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		c, stored := s.client(t)
		check(t, login(c, "ann"))
		s.requests, s.users = nil, nil
		run(t, s, c, stored)
	})
}

func want[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestSession_IsRefreshedBeforeItExpires(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
		time.Sleep(life - 20*time.Second)
		check(t, c.Do(ctx, me, nil, nil))
		want(t, "requests", []string{"Refresh", "Me"}, s.requests)
		want(t, "what is stored", "session0/1", *stored)
	})
}

func TestSession_IsRefreshedWhenTheServerDoesNotTakeTheToken(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		first := true
		s.answer = func(name string) *httpResponse {
			if name == "Write" && first {
				first = false
				return refused("UNAUTHENTICATED", `"reason":"expired"`)
			}
			return nil
		}
		check(t, c.Do(ctx, write, nil, nil))
		want(t, "requests", []string{"Write", "Refresh", "Write"}, s.requests)
		s.requests = nil
		s.answer = func(name string) *httpResponse {
			if name == "Refresh" {
				return nil
			}
			return refused("UNAUTHENTICATED", `"reason":"expired"`)
		}
		want(t, "code", "UNAUTHENTICATED", code(c.Do(ctx, write, nil, nil)))
		want(t, "requests", []string{"Write", "Refresh", "Write"}, s.requests)
	})
}

func TestSession_IsRefreshedOnceForAllGoroutines(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		time.Sleep(2 * life)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := c.Do(ctx, me, nil, nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		refreshes := slices.DeleteFunc(s.requests, func(name string) bool { return name != "Refresh" })
		want(t, "refreshes", 1, len(refreshes))
		want(t, "refreshes at one time", 1, s.most)
	})
}

func TestSession_OutlivesACallerThatGivesUp(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
		time.Sleep(2 * life)
		s.latency = func(string) time.Duration { return time.Second }
		impatient, cancel := context.WithCancel(ctx)
		var first, second error
		var all sync.WaitGroup
		all.Go(func() { first = c.Do(impatient, me, nil, nil) })
		synctest.Wait()
		all.Go(func() { second = c.Do(ctx, me, nil, nil) })
		synctest.Wait()
		cancel()
		all.Wait()
		if !errors.Is(first, context.Canceled) || second != nil {
			t.Errorf("who gave up: %v; who waited: %v", first, second)
		}
		want(t, "requests", []string{"Refresh", "Me"}, s.requests)
		want(t, "what is stored", "session0/1", *stored)
	})
}

func TestSession_StaysWhileTheServerIsAway(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		time.Sleep(life - 20*time.Second)
		s.answer = func(name string) *httpResponse {
			if name == "Refresh" {
				return refused("UNAVAILABLE", `"retryAfter":2`)
			}
			return nil
		}
		check(t, c.Do(ctx, me, nil, nil)) // the token can be used for a moment yet
		time.Sleep(life)
		e, ok := errors.AsType[*gatehouse.Error](c.Do(ctx, me, nil, nil))
		if !ok || e.Code != gatehouse.Unavailable || e.RetryAfter != 2*time.Second {
			t.Errorf("the error is %+v", e)
		}
		s.away = func(string) error { return errAway }
		if err := c.Do(ctx, me, nil, nil); !errors.Is(err, errAway) {
			t.Errorf("the error is %v", err)
		}
		s.away, s.answer = func(string) error { return nil }, func(string) *httpResponse { return nil }
		check(t, c.Do(ctx, me, nil, nil))
	})
}

func TestSession_EndsWhenTheServerHasEndedIt(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
		s.sessions["session0"].ended = true
		want(t, "code", "UNAUTHENTICATED", code(c.Do(ctx, write, nil, nil)))
		want(t, "requests", []string{"Write", "Refresh"}, s.requests)
		want(t, "who is signed in, and what is stored", []string{"", ""}, []string{c.UserID(), *stored})
	})
}

// A thief has used a copy twice. The second attempt, when the server takes it for a copy, ends the thief's session.
func TestSession_TellsTheServerOfACopy(t *testing.T) {
	for _, thief := range []bool{true, false} {
		signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
			time.Sleep(2 * life)
			session := s.sessions["session0"]
			session.generation, session.advanced = 2, time.Now()
			if !thief { // what was seen was passing
				go func() {
					time.Sleep(5 * time.Second)
					s.mu.Lock()
					session.generation = 0
					s.mu.Unlock()
				}()
			}
			err := c.Do(ctx, me, nil, nil)
			want(t, "the session has ended", thief, session.ended)
			want(t, "refused", thief, err != nil)
			want(t, "nothing is stored", thief, *stored == "")
		})
	}
}

func TestSession_OfAStoredToken(t *testing.T) {
	for _, c := range []struct {
		requests, user string
		ask            func(c *gatehouse.Client) error
	}{
		{"Refresh", "ann", func(c *gatehouse.Client) error {
			token, err := c.AccessToken(ctx)
			check(t, err)
			want(t, "whose the token is", "ann", claimsOf(token).Sub)
			return nil
		}},
		{"Refresh Write", "ann", func(c *gatehouse.Client) error { return c.Do(ctx, write, nil, nil) }},
		{"Refresh Logout", "", func(c *gatehouse.Client) error { return c.SignOut(ctx) }},
		{"Refresh Login", "bob", func(c *gatehouse.Client) error { return login(c, "bob") }},
	} {
		signedIn(t, func(t *testing.T, s *server, _ *gatehouse.Client, stored *string) {
			client, err := gatehouse.New(gatehouse.Config{URL: address, Transport: s, RefreshToken: *stored})
			check(t, err)
			check(t, c.ask(client))
			want(t, "requests", c.requests, strings.Join(s.requests, " "))
			want(t, c.requests+": who is signed in", c.user, client.UserID())
		})
	}
}

func TestSession_IsThatBeforeWhenItCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		var failure error
		var stored []string
		store := func(_ context.Context, token string) error {
			stored = append(stored, token)
			return failure
		}
		c, err := gatehouse.New(gatehouse.Config{URL: address, Transport: s, Store: store})
		check(t, err)
		check(t, login(c, "ann"))
		time.Sleep(2 * life)
		failure = errors.New("the disk is full")
		if err := c.Do(ctx, me, nil, nil); !errors.Is(err, failure) {
			t.Errorf("the error is %v", err)
		}
		failure = nil
		check(t, c.Do(ctx, me, nil, nil))
		want(t, "stored", []string{"session0/0", "session0/1", "session0/1"}, stored)
	})
}

func TestSignOut(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
		s.away = func(string) error { return errAway }
		if err := c.SignOut(ctx); !errors.Is(err, errAway) || c.UserID() != "ann" {
			t.Errorf("a server that is away: %v, and %q is signed in", err, c.UserID())
		}
		s.away = func(string) error { return nil }
		time.Sleep(2 * life)
		check(t, c.SignOut(ctx))
		want(t, "the session has ended", true, s.sessions["session0"].ended)
		want(t, "who is signed in, and what is stored", []string{"", ""}, []string{c.UserID(), *stored})
		check(t, login(c, "bob"))
		s.sessions["session1"].ended = true
		check(t, c.SignOut(ctx))
		_, err := c.AccessToken(ctx)
		want(t, "code", "UNAUTHENTICATED", code(err))
	})
}

func TestSession_OfATokenThatComesAfterItsEndIsNone(t *testing.T) {
	signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
		s.latency = func(name string) time.Duration { return map[string]time.Duration{"Prove": time.Second}[name] }
		var all sync.WaitGroup
		s.lost = func(name string) error { // Prove is answered, and its answer is on the way
			if name == "Prove" {
				all.Go(func() { check(t, c.SignOut(ctx)) })
			}
			return nil
		}
		_ = c.Do(ctx, `mutation Prove { reauthenticate { accessToken expiresIn } }`, nil, nil)
		all.Wait()
		want(t, "who is signed in", "", c.UserID())
	})
}

func TestSession_OfWhoHasSignedInMeanwhileStays(t *testing.T) {
	for _, document := range []string{
		`mutation Logout { logout { success } }`, `mutation Prove { reauthenticate { accessToken expiresIn } }`,
	} {
		signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, stored *string) {
			s.latency = func(name string) time.Duration {
				return map[string]time.Duration{"Login": 100 * time.Millisecond}[name] + 10*time.Millisecond
			}
			s.lost = func(name string) error {
				if name == "Logout" || name == "Prove" {
					time.Sleep(time.Second)
				}
				return nil
			}
			var all sync.WaitGroup
			all.Go(func() { check(t, c.Do(ctx, document, nil, nil)) })
			synctest.Wait()
			check(t, login(c, "bob"))
			all.Wait()
			want(t, document+": who is signed in", "bob", c.UserID())
			want(t, document+": what is stored", "session1/0", *stored)
		})
	}
}

// What goroutines ask while ann's token is refreshed, bob signs in, and answers take their time: each request that is
// sent has the token of who was signed in when it was asked.
func TestSession_NothingIsSentForAnother(t *testing.T) {
	var refusals atomic.Int32
	for seed := range 200 {
		signedIn(t, func(t *testing.T, s *server, c *gatehouse.Client, _ *string) {
			random := func(n, below int) time.Duration { return time.Duration((seed*7919+n*104729)%below) * time.Millisecond }
			time.Sleep([]time.Duration{0, life - 30*time.Second - 250*time.Millisecond, 2 * life}[seed%3])
			n := 0
			s.latency = func(string) time.Duration {
				s.mu.Lock()
				defer s.mu.Unlock()
				n++
				return random(n, 300)
			}
			if seed%2 == 0 {
				s.answer = func(name string) *httpResponse {
					if name == "Write3" && random(seed, 10) < 5*time.Millisecond {
						return refused("UNAUTHENTICATED", `"reason":"expired"`)
					}
					return nil
				}
			}
			var all sync.WaitGroup
			all.Go(func() { time.Sleep(random(1, 500)); check(t, login(c, "bob")) })
			asked := make([]string, 5)
			for i := range asked {
				all.Go(func() {
					// At no instant at which an answer comes: those to this ask come later.
					time.Sleep(random(10+i, 600) + time.Duration(1+i)*100*time.Microsecond)
					asked[i] = c.UserID()
					if i == 4 {
						if token, err := c.AccessToken(ctx); err == nil && claimsOf(token).Sub != asked[i] {
							t.Errorf("seed %d: a token of %s was given to %s", seed, claimsOf(token).Sub, asked[i])
						}
						return
					}
					err := c.Do(ctx, fmt.Sprintf("mutation Write%d { write { id } }", i), nil, nil)
					if err != nil && strings.Contains(err.Error(), "who asked this") {
						refusals.Add(1)
					}
				})
			}
			all.Wait()
			for i, user := range asked[:4] {
				for at, name := range s.requests {
					if name == fmt.Sprint("Write", i) && s.users[at] != user {
						t.Errorf("seed %d: %s asked %s, and it was sent for %s", seed, user, name, s.users[at])
					}
				}
			}
			want(t, "who is signed in", "bob", c.UserID())
		})
	}
	if refusals.Load() < 5 {
		t.Errorf("%d were refused: the test shows nothing", refusals.Load())
	}
}
