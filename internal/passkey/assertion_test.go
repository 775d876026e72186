package passkey

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
)

// stored is a passkey with its signer.
type stored struct {
	Passkey
	signer signer
}

func newStored(t testing.TB, rp *RelyingParty, s signer) stored {
	t.Helper()
	return stored{registered(t, rp, s), s}
}

// Passkeys of each algorithm sign in, and what is stored of them goes on.
func TestSignIn_PasskeysOfEachAlgorithm(t *testing.T) {
	rp := newRelyingParty(t)
	for name, s := range map[string]signer{"ES256": newES256(), "EdDSA": newEdDSA(), "RS256": newRS256()} {
		p := newStored(t, rp, s)
		r := newAssertion(challenge, s)
		r.auth.flags &^= bs
		got, err := signIn(rp, r.assertion(p.ID), p.Passkey)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.SignCount != 2 || got.BackedUp || !got.BackupEligible {
			t.Errorf("%s: stored is %+v", name, got)
		}
	}
}

func TestSignIn_RefusesWrongClientData(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	good := newAssertion(challenge, p.signer)
	for name, r := range clientDataCases(good, "webauthn.create") {
		_, err := signIn(rp, r.assertion(p.ID), p.Passkey)
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
	_, err := signIn(rp, good.with("origin", "https://evil.example").assertion(p.ID), p.Passkey)
	wantRefused(t, ErrOrigin, err)
	if _, err := signIn(rp, good.with("other", 1).assertion(p.ID), p.Passkey); err != nil {
		t.Errorf("a new member: %v", err)
	}
}

// Of all 256 flags those are accepted that say present and verified, without the data of a new passkey and without
// extensions, eligible for backup as the passkey was when it was made, and backed up only where that is possible.
func TestSignIn_Flags(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	for _, eligible := range []bool{true, false} {
		p.BackupEligible = eligible
		for flags := range 256 {
			r := newAssertion(challenge, p.signer)
			r.auth.flags = byte(flags)
			if flags&at != 0 {
				r.auth.aaguid, r.auth.id, r.auth.key = p.AAGUID, p.ID, p.PublicKey
			}
			_, err := signIn(rp, r.assertion(p.ID), p.Passkey)
			want := flags&up != 0 && flags&uv != 0 && flags&at == 0 && flags&ed == 0 && eligible == (flags&be != 0) &&
				(eligible || flags&bs == 0)
			if want != (err == nil) || err != nil && !isRefusal(err) {
				t.Errorf("eligible %v, flags %08b: %v", eligible, flags, err)
			}
		}
	}
}

// The signature covers each bit of what is signed, and has no other form.
func TestSignIn_RefusesEachChangedBit(t *testing.T) {
	rp := newRelyingParty(t)
	for name, s := range map[string]signer{"ES256": newES256(), "EdDSA": newEdDSA(), "RS256": newRS256()} {
		p := newStored(t, rp, s)
		answer := newAssertion(challenge, s).assertion(p.ID)
		whole := must(ParseAssertion(answer))
		try := func(what string, change func(*Assertion)) {
			a := must(ParseAssertion(answer))
			change(a)
			if _, err := rp.SignIn(a, challenge, userHandle, p.Passkey); !isRefusal(err) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		raw := whole.parsed.Raw.AssertionResponse
		for bit := range len(raw.AuthenticatorData) * 8 {
			try(fmt.Sprintf("bit %d of the authenticator data", bit), func(a *Assertion) {
				r := &a.parsed.Raw.AssertionResponse
				r.AuthenticatorData = flipped(r.AuthenticatorData, bit)
			})
		}
		for bit := range len(raw.ClientDataJSON) * 8 {
			try(fmt.Sprintf("bit %d of the client data", bit), func(a *Assertion) {
				r := &a.parsed.Raw.AssertionResponse
				r.ClientDataJSON = flipped(r.ClientDataJSON, bit)
			})
		}
		for bit := range len(whole.parsed.Response.Signature) * 8 {
			try(fmt.Sprintf("bit %d of the signature", bit), func(a *Assertion) {
				a.parsed.Response.Signature = flipped(a.parsed.Response.Signature, bit)
			})
		}
		try("a byte behind the signature", func(a *Assertion) {
			a.parsed.Response.Signature = append(a.parsed.Response.Signature, 0)
		})
		try("no signature", func(a *Assertion) { a.parsed.Response.Signature = nil })
		if _, err := rp.SignIn(whole, challenge, userHandle, p.Passkey); err != nil {
			t.Errorf("%s, unchanged: %v", name, err)
		}
	}
}

// A passkey of another user, or another one of the same user, does not sign in for this one.
func TestSignIn_RefusesAnotherPasskey(t *testing.T) {
	rp := newRelyingParty(t)
	p, other := newStored(t, rp, newES256()), newStored(t, rp, newES256())
	good := newAssertion(challenge, p.signer)
	cases := map[string]response{"signed by another passkey": newAssertion(challenge, other.signer),
		"signed by one of another kind": newAssertion(challenge, newEdDSA())}
	for name, handle := range map[string][]byte{"another user": []byte("another user's handle"), "nobody": {},
		"a part of the user": userHandle[1:], "more than the user": append(slices.Clone(userHandle), 0)} {
		r := good
		r.handle = handle
		cases["of "+name] = r
	}
	nameless := good
	nameless.handle = nil
	cases["of a user who is not named"] = nameless
	for name, change := range envelopeCases {
		r := good
		r.envelope = change
		cases[name] = r
	}
	for name, r := range cases {
		_, err := signIn(rp, r.assertion(p.ID), p.Passkey)
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
	a := must(ParseAssertion(good.assertion([]byte("the id of another one"))))
	_, err := rp.SignIn(a, challenge, userHandle, p.Passkey)
	wantRefused(t, ErrRefused, err)
	if _, err := signIn(rp, good.assertion(p.ID), p.Passkey); err != nil {
		t.Errorf("the passkey itself: %v", err)
	}
}

// Who is known already need not be named; but nobody else may be.
func TestVerify_TheUserNeedNotBeNamed(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	for name, c := range map[string]struct {
		handle   []byte
		accepted bool
	}{"not named": {nil, true}, "named": {userHandle, true}, "another user": {[]byte("another user's handle"), false}} {
		r := newAssertion(challenge, p.signer)
		r.handle = c.handle
		_, err := rp.Verify(must(ParseAssertion(r.assertion(p.ID))), challenge, userHandle, p.Passkey)
		if (err == nil) != c.accepted || err != nil && !isRefusal(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What was signed for one challenge is nothing for the next.
func TestSignIn_RefusesAReplay(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	answer := newAssertion(challenge, p.signer).assertion(p.ID)
	if _, err := rp.SignIn(must(ParseAssertion(answer)), challenge, userHandle, p.Passkey); err != nil {
		t.Fatal(err)
	}
	_, err := rp.SignIn(must(ParseAssertion(answer)), another, userHandle, p.Passkey)
	wantRefused(t, ErrRefused, err)
	_, err = rp.SignIn(must(ParseAssertion(answer)), "", userHandle, p.Passkey)
	wantRefused(t, ErrRefused, err)
}

// A counter that does not go on is a copy, which the library only marks. One that never counts is none.
func TestSignIn_CounterThatGoesBackIsRefused(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	for _, c := range []struct {
		stored, signed uint32
		cloned         bool
	}{{0, 0, false}, {0, 1, false}, {1, 2, false}, {5, 5000, false}, {0, math.MaxUint32, false},
		{1, 0, true}, {1, 1, true}, {5, 4, true}, {math.MaxUint32, 0, true}, {math.MaxUint32, math.MaxUint32, true}} {
		p.SignCount = c.stored
		r := newAssertion(challenge, p.signer)
		r.auth.count = c.signed
		got, err := signIn(rp, r.assertion(p.ID), p.Passkey)
		if c.cloned {
			wantRefused(t, ErrCloned, err)
			wantRefused(t, ErrRefused, err)
		} else if err != nil || got.SignCount != c.signed {
			t.Errorf("%d after %d: %v, %v", c.signed, c.stored, got, err)
		}
	}
	p.SignCount = 5
	forged := newAssertion(challenge, newES256())
	forged.auth.count = 4
	if _, err := signIn(rp, forged.assertion(p.ID), p.Passkey); err == nil || fmt.Sprint(err) == fmt.Sprint(ErrCloned) {
		t.Errorf("what nobody signed tells of a copy: %v", err)
	}
}

func TestSignIn_RefusesTruncatedAndTrailingBytes(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	good := newAssertion(challenge, p.signer)
	whole := good.assertion(p.ID)
	cases := map[string][]byte{"nothing": nil, "a byte behind the JSON": append(slices.Clone(whole), 'x'), "twice": append(slices.Clone(whole), whole...)}
	for n := range whole {
		cases[fmt.Sprintf("JSON of %d bytes", n)] = whole[:n]
	}
	for n := range good.auth.bytes() {
		r := good
		r.auth.truncated = n + 1
		cases[fmt.Sprintf("authenticator data without %d bytes", n+1)] = r.assertion(p.ID)
	}
	for n := range good.clientJSON() {
		r := good
		r.rawJSON = good.clientJSON()[:n]
		cases[fmt.Sprintf("client data of %d bytes", n)] = r.assertion(p.ID)
	}
	signature := p.signer.sign(good.toSign())
	for n := range signature {
		r := good
		r.signed = func([]byte) []byte { return signature[:n] }
		cases[fmt.Sprintf("signature of %d bytes", n)] = r.assertion(p.ID)
	}
	for _, tail := range [][]byte{{0}, {0xff}, cborMap(), make([]byte, 100)} {
		r := good
		r.auth.tail = tail
		cases[fmt.Sprintf("authenticator data and %x", tail)] = r.assertion(p.ID)
		r = good
		r.signed = func(s []byte) []byte { return append(s, tail...) }
		cases[fmt.Sprintf("signature and %x", tail)] = r.assertion(p.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		_, err := signIn(rp, cases[name], p.Passkey)
		wantRefused(t, nil, err)
		if err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
}

// A passkey of another domain signs nothing here, whichever bit of the hash says so.
func TestSignIn_RefusesAnotherDomain(t *testing.T) {
	rp := newRelyingParty(t)
	p := newStored(t, rp, newES256())
	good := newAssertion(challenge, p.signer)
	for bit := range len(good.auth.rpIDHash) * 8 {
		r := good
		r.auth.rpIDHash = flipped(good.auth.rpIDHash, bit)
		_, err := signIn(rp, r.assertion(p.ID), p.Passkey)
		wantRefused(t, ErrRefused, err)
	}
}
