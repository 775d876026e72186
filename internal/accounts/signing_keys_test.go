package accounts_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/google/uuid"
)

const rotateEvery = 90 * 24 * time.Hour

// signingKeys keeps the keys of a fixture's database, with its clock.
func (h *fixture) signingKeys(secret string) *accounts.SigningKeys {
	h.t.Helper()
	k := must(accounts.NewSigningKeys(accounts.KeysConfig{
		Client: h.config.Client, Secrets: secretsOf(h.t,
			secret), TTL: accessTTL, RotateEvery: rotateEvery, Clock: h.clock.Now,
	}))
	return k
}

func load(t *testing.T, k *accounts.SigningKeys) []token.Scheduled {
	t.Helper()
	return must(k.Load(t.Context()))
}

// instanceOf issues and verifies with a schedule of keys, as an instance does that has just read it.
func (h *fixture) instanceOf(schedule []token.Scheduled) *token.Issuer {
	h.t.Helper()
	keys := must(token.NewKeys(schedule...))
	i := must(token.NewIssuer(token.Config{Keys: keys, Issuer: "https://id.example.org", Audience: "gatehouse",
		TTL: accessTTL, Clock: h.clock.Now}))
	return i
}

func TestSigningKeys_FirstKeyIsCreatedOnceAndSealed(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		first := load(t, h.signingKeys(theSecret))[0].Key
		der := must(first.Marshal())
		h.note(string(der))(nil, nil)
		h.note(string(der[len(der)-32:]))(nil, nil) // the private half of Ed25519
		h.clock.move(24 * time.Hour)
		if again := load(t, h.signingKeys(theSecret)); len(again) != 1 || first.ID() != again[0].Key.ID() {
			t.Errorf("keys %s and %v", first.ID(), again)
		}
		if _, err := h.signingKeys("another-secret-of-36-bytes-in-length").Load(t.Context()); err == nil || strings.Contains(err.Error(), string(der)) {
			t.Errorf("another secret opens the key: %v", err)
		}
		row := h.db.Client.SigningKey.Query().OnlyX(t.Context())
		if row.ID != first.ID() || row.Sequence != 1 || bytes.Contains(row.Sealed, der[len(der)-32:]) {
			t.Errorf("row %s, sequence %d", row.ID, row.Sequence)
		}
	})
}

// TestRotate_PublishesAheadAndKeepsTheOldKeyForItsTokens walks through a rotation, moment by moment: no token that was
// issued is ever refused before it expires.
func TestRotate_PublishesAheadAndKeepsTheOldKeyForItsTokens(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		k := h.signingKeys(theSecret)
		old := load(t, k)[0].Key.ID()
		check(t, k.Rotate(t.Context(), accounts.Rotation{}))
		begun := h.clock.Now()
		schedule := load(t, k)
		if len(schedule) != 2 || schedule[0].Key.ID() != old || !schedule[1].SignsAt.Equal(begun.Truncate(time.Microsecond).Add(accounts.KeyLead)) {
			t.Fatalf("the schedule is %+v", schedule)
		}
		instance := h.instanceOf(schedule)
		type issued struct {
			text  string
			until time.Time
		}
		var tokens []issued
		for at := time.Duration(0); at <= accounts.KeyLead+2*accessTTL; at += 30 * time.Second {
			h.clock.set(begun.Add(at))
			wantKey := old
			if at >= accounts.KeyLead {
				wantKey = schedule[1].Key.ID()
			}
			keys := must(token.NewKeys(load(t, k)...)) // an instance that starts at this moment
			if got := keys.Signing(h.clock.Now()).ID(); got != wantKey {
				t.Fatalf("after %v %s signs, want %s", at, got, wantKey)
			}
			text := must(instance.Issue(token.Claims{UserID: someID(t), SessionID: someID(t), AuthenticatedAt: begun}))
			tokens = append(tokens, issued{text, h.clock.Now().Truncate(time.Second).Add(accessTTL)})
			for _, i := range tokens {
				_, err := h.instanceOf(load(t, k)).Verify(i.text)
				if lives := h.clock.Now().Before(i.until); lives != (err == nil) || !lives && errors.Is(err, token.ErrExpired) == strings.Contains(err.Error(), "no such kid") {
					t.Fatalf("after %v: %v of a token until %v", at, err, i.until)
				}
			}
		}
		if left := load(t, k); len(left) != 1 || left[0].Key.ID() != schedule[1].Key.ID() {
			t.Errorf("the old key is there when its last token is dead: %v", left)
		}
		h.clock.move(24 * time.Hour)
		check(t, k.Maintain(t.Context()))
		if rows := h.db.Client.SigningKey.Query().AllX(t.Context()); slices.ContainsFunc(rows, func(r *ent.SigningKey) bool { return r.ID == old }) {
			t.Error("the private half of a key that has ended is kept")
		}
	})
}

// TestRotate_RevokedKeyVerifiesNothing whatever the clock of the machine says on which it is revoked.
func TestRotate_RevokedKeyVerifiesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		k := h.signingKeys(theSecret)
		claims := token.Claims{UserID: someID(t), SessionID: someID(t), AuthenticatedAt: h.clock.Now()}
		for _, ahead := range []time.Duration{0, time.Second, -time.Second, time.Minute, -time.Minute, time.Hour, -time.Hour,
			48 * time.Hour, -48 * time.Hour} {
			text := must(h.instanceOf(load(t, k)).Issue(claims))
			if _, err := h.instanceOf(load(t, k)).Verify(text); err != nil {
				t.Fatal(err) // the twin
			}
			h.clock.move(ahead)
			if err := k.Rotate(t.Context(), accounts.Rotation{}); ahead == 0 { // one that was published ahead goes too
				check(t, err)
			}
			check(t, k.Rotate(t.Context(), accounts.Rotation{Revoke: true}))
			h.clock.move(-ahead)
			now := h.instanceOf(load(t, k))
			if _, err := now.Verify(text); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("a clock %v ahead: a token of the leaked key: %v", ahead, err)
			}
			text = must(now.Issue(claims))
			if _, err := now.Verify(text); err != nil || len(load(t, k)) != 1 {
				t.Errorf("a clock %v ahead: a token of the new key: %v; %d keys", ahead, err, len(load(t, k)))
			}
		}
	})
}

func TestRotate_KeepsTheAlgorithmByDefault(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		k := h.signingKeys(theSecret)
		load(t, k)
		for _, c := range []struct{ told, want string }{{"", "EdDSA"}, {"ES256", "ES256"}, {"", "ES256"}, {"RS256", "RS256"}, {"EdDSA", "EdDSA"}} {
			check(t, k.Rotate(t.Context(), accounts.Rotation{Algorithm: c.told}))
			h.clock.move(accounts.KeyLead)
			keys := must(token.NewKeys(load(t, k)...))
			testenv.Equal(t, c.want, keys.Signing(h.clock.Now()).Algorithm(), "told %q, algorithm", c.told)
		}
		if err := k.Rotate(t.Context(), accounts.Rotation{Algorithm: "HS256"}); err == nil || len(load(t, k)) != 3 {
			t.Errorf("HS256: %v, %d keys", err, len(load(t, k))) // RS256 verifies yet, and the one before it
		}
	})
}

func TestMaintain_RotatesDueKeysOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		k := h.signingKeys(theSecret)
		first := load(t, k)[0]
		h.clock.set(first.SignsAt.Add(rotateEvery - accounts.KeyLead - time.Microsecond))
		check(t, k.Maintain(t.Context()))
		if n := len(load(t, k)); n != 1 {
			t.Fatalf("%d keys before one is due", n)
		}
		h.clock.move(time.Microsecond)
		errs := make([]error, 8)
		inParallel(len(errs), func(i int) { errs[i] = k.Maintain(t.Context()) })
		check(t, errors.Join(errs...))
		schedule := load(t, k)
		if len(schedule) != 2 || !schedule[1].SignsAt.Equal(first.SignsAt.Add(rotateEvery)) {
			t.Fatalf("when it is due: %+v", schedule)
		}
		if err := k.Rotate(t.Context(), accounts.Rotation{}); !errors.Is(err, accounts.ErrRotationPending) {
			t.Errorf("again before the new one signs: %v", err)
		}
		h.clock.move(accounts.KeyLead)
		check(t, k.Rotate(t.Context(), accounts.Rotation{}))
	})
}

// TestMaintain_WithNothingDueChangesNothing: each change of a key empties the caches of all instances.
func TestMaintain_WithNothingDueChangesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		k := h.signingKeys(theSecret)
		load(t, k)
		logged := func() (rows int) {
			check(t, h.raw.QueryRowContext(t.Context(), "SELECT count(*) FROM changes").Scan(&rows))
			return rows
		}
		before := logged()
		for range 3 {
			check(t, k.Maintain(t.Context()))
		}
		wantEqual(t, "rows of the log", before, logged())
		h.clock.move(accounts.KeyLead)
		check(t, k.Rotate(t.Context(), accounts.Rotation{}))
		if logged() == before {
			t.Error("a rotation is not in the log: this shows nothing")
		}
	})
}

func TestSigningKeys_RefusesAKeySealedForAnotherPurpose(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		secret, k := secretsOf(t, theSecret).Newest(), h.signingKeys(theSecret)
		der := must(load(t, k)[0].Key.Marshal())
		for name, sealed := range map[string][]byte{
			"another purpose": secret.Seal("refresh key", der),
			"in clear":        der,
			"no key":          secret.Seal("signing key", []byte("no key")),
			"empty":           {},
		} {
			h.db.Client.SigningKey.Delete().ExecX(t.Context())
			h.db.Client.SigningKey.Create().SetID("k").SetSequence(1).SetSealed(sealed).SetCreatedAt(startTime).SetSignsAt(startTime).ExecX(t.Context())
			if _, err := k.Load(t.Context()); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
	})
}

// TestSigningKeys_ParallelFirstStartsEndWithOneKey is what several instances do with an empty database.
func TestSigningKeys_ParallelFirstStartsEndWithOneKey(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ids, errs := make([]string, 8), make([]error, 8)
		h, m := h.metered()
		all := &meeting{all: len(ids), met: make(chan struct{})}
		m.before = func(_ int, statement string) error {
			if statement == "BEGIN" {
				return all.wait() // until every one has seen that there is no key
			}
			return nil
		}
		k := h.signingKeys(theSecret)
		inParallel(len(ids), func(i int) {
			var schedule []token.Scheduled
			if schedule, errs[i] = k.Load(t.Context()); errs[i] == nil {
				ids[i] = schedule[0].Key.ID()
			}
		})
		for i := range ids {
			if errs[i] != nil || ids[i] != ids[0] {
				t.Errorf("start %d: key %q, %v; want %q", i, ids[i], errs[i], ids[0])
			}
		}
		wantEqual(t, "keys", 1, h.db.Client.SigningKey.Query().CountX(t.Context()))
	})
}

func TestNewSigningKeys_RefusesTooShortRotations(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		c := accounts.KeysConfig{Client: h.config.Client, Secrets: secretsOf(t, theSecret), TTL: accessTTL,
			RotateEvery: 2 * accounts.KeyLead}
		if _, err := accounts.NewSigningKeys(c); err != nil {
			t.Error(err)
		}
		c.RotateEvery--
		if _, err := accounts.NewSigningKeys(c); err == nil {
			t.Errorf("%v was taken", c.RotateEvery)
		}
	})
}

func someID(t *testing.T) uuid.UUID {
	t.Helper()
	return must(uuid.NewV7())
}
