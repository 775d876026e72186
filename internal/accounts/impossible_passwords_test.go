package accounts_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// impossiblePasswords are such as no account can have.
var impossiblePasswords = []string{"", "7 chars", strings.Repeat("a", 129), strings.Repeat("a", 3000), "with\x00NUL in it",
	"not UTF-8: \xff"}

// TestThrottle_ImpossiblePasswordsAreNoGuesses: whatever proves a password refuses them as it refuses a wrong one,
// without a hash, and leaves the counters of guesses as they are.
func TestThrottle_ImpossiblePasswordsAreNoGuesses(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		p := h.must(h.registerAt(at("192.0.2.7"), ada))
		wrong := h.proofs(p, "a wrong password")
		for _, pw := range impossiblePasswords {
			for name, do := range h.proofs(p, pw) {
				if name == "register" { // where it is not the password of an account
					continue
				}
				before := h.config.Passwords.Hashed()
				for range 8 {
					wantProblem(t, name, do(t.Context()), problem.InvalidCredentials, "")
				}
				testenv.Equal(t, before, h.config.Passwords.Hashed(), "hashes of %s", name)
			}
		}
		for _, name := range []string{"login", "login on a known device", "reauthenticate"} {
			testenv.Equal(t, 5, h.verifies(10, func(int) error { return wrong[name](t.Context()) }), "guesses: %s", name)
		}
	})
}

// TestLogin_ImpossiblePasswordsPushOutNoCounter: they cost no hash, so somebody with some networks sends tens of thousands
// of attempts, each for another address and from another part of a network.
func TestLogin_ImpossiblePasswordsPushOutNoCounter(t *testing.T) {
	h := newFixture(t, dbtest.SQLite(t))
	h = h.throttled(accounts.DefaultThrottle())
	h.must(h.registerAt(at("192.0.2.7"), ada))
	testenv.Equal(t, 5, h.verifies(50, h.guess(ada)), "guesses verified")
	const bob = "bob@example.com"
	owner := at("192.0.2.8")
	owner = on(h.must(h.registerAt(owner, bob)), owner)
	for passed := true; passed; {
		p, err := h.loginAt(owner, bob, goodPassword)
		if passed = err == nil; !passed {
			h.tooMany(p, err)
		}
	}
	const networks = 32 // IPv6 /48
	wrong, refused := 0, 0
	for n := range networks * 2000 {
		ip := netip.AddrFrom16([16]byte{0x20, 1, 0x0d, 0xb8, 0, byte(n % networks), byte(n >> 5), byte(n >> 13)})
		_, err := h.Login(t.Context(), at(ip.String()), accounts.LoginInput{
			Email: fmt.Sprintf("nobody%d@example.com", n), Password: impossiblePasswords[n%len(impossiblePasswords)]})
		if verified(t, err) {
			wrong++
		} else {
			refused++
		}
	}
	t.Logf("%d wrong, %d refused", wrong, refused)
	if wrong < 32_768 || refused == 0 {
		t.Error("too few to push anything out, or as many as anybody wants")
	}
	testenv.Equal(t, 0, h.verifies(50, h.guess(ada)), "guesses verified after them")
	h.tooMany(h.loginAt(owner, bob, goodPassword)) // as before
}
