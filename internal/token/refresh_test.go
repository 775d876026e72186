package token

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func secretsOf(raw ...[]byte) *Secrets {
	var all []*Secret
	for _, one := range raw {
		all = append(all, must(NewSecret(one)))
	}
	return must(NewSecrets(all[0], all[1:]...))
}

func refreshTokens() *RefreshTokens { return must(NewRefreshTokens(secretsOf(rawSecret), nil)) }

func newRefresh(k *RefreshTokens) Refresh { return must(k.New(theUser, theSession)) }

func TestRefresh_ParseReadsWhatTextWrote(t *testing.T) {
	k := refreshTokens()
	r := newRefresh(k)
	for generation := range uint32(5) {
		read, err := k.Parse(r.Text())
		if err != nil || read != r || read.User != theUser || read.Session != theSession || read.Generation != generation {
			t.Fatalf("%v, %v; want %v", read, err, r)
		}
		if len(r.Text()) != 112 || len(r.Digest()) != 32 || !read.Matches(r.Digest()) {
			t.Errorf("%d characters, %d bytes of digest", len(r.Text()), len(r.Digest()))
		}
		r = r.Next()
	}
}

// Contract, section 7: a repeated use of the same token gives the same successor.
func TestRefresh_SuccessorIsAlwaysTheSame(t *testing.T) {
	k := refreshTokens()
	r := newRefresh(k)
	again, err := refreshTokens().Parse(r.Text()) // another instance with the same secret
	if err != nil || r.Next().Text() != again.Next().Text() {
		t.Errorf("two successors: %v", err)
	}
	other := newRefresh(k)
	seen := map[string]bool{}
	for range 10 {
		for _, r := range []Refresh{r, other} {
			if seen[string(r.Digest())] || seen[r.Text()] || seen[string(r.secret[:])] {
				t.Fatal("something comes twice")
			}
			seen[string(r.Digest())], seen[r.Text()], seen[string(r.secret[:])] = true, true, true
		}
		r, other = r.Next(), other.Next()
	}
}

func TestRefresh_DigestMatchesOneTokenOnly(t *testing.T) {
	k := refreshTokens()
	r := newRefresh(k)
	moved := r
	moved.Session = theUser
	another := r
	another.User = theSession
	older := r
	older.Generation++
	for name, digest := range map[string][]byte{
		"another": newRefresh(k).Digest(), "the successor": r.Next().Digest(), "another session": moved.Digest(),
		"another user":       another.Digest(),
		"another generation": older.Digest(), "nothing": nil, "half": r.Digest()[:16],
		"one byte more": append(r.Digest(), 0),
	} {
		if r.Matches(digest) {
			t.Errorf("%s matches", name)
		}
	}
	if bytes.Contains([]byte(r.Text()), r.Digest()) || bytes.Contains(r.Digest(), r.secret[:16]) {
		t.Error("the digest and the token share bytes")
	}
}

func TestRefresh_ForgedAndRespelledTokensAreRefused(t *testing.T) {
	k := refreshTokens()
	r := newRefresh(k)
	text := r.Text()
	for len(strings.Trim(text, alphabet[:62])) == 0 { // to have a - or _ to replace
		r = r.Next()
		text = r.Text()
	}
	foreign := must(NewRefreshTokens(secretsOf(otherSecret), nil))
	last := r
	last.Generation = math.MaxUint32
	former := r.body()[sessionAt:] // which named no user
	attempts := map[string]string{
		"nothing": "", "padding": text + "=", "a space": text + " ", "a line end": text + "\n",
		"a letter less":           text[:111],
		"a line end for a letter": text[:111] + "\n", "a line end inside": text[:40] + "\n" + text[41:],
		"the other alphabet":  strings.NewReplacer("-", "+", "_", "/").Replace(text),
		"another secret's":    newRefresh(foreign).Text(),
		"the last generation": last.Text(), "a megabyte": strings.Repeat("A", 1<<20), "zeros": strings.Repeat("A", 112),
		"the former format": base64url.EncodeToString(append(former, k.inUse().tag(former)...)),
		"two":               text + text, "random": base64url.EncodeToString(random(refreshLen)),
	}
	data, _ := decode(text)
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1
		attempts["byte "+string(rune('0'+i))] = base64url.EncodeToString(changed)
	}
	if len(attempts) != 15+refreshLen {
		t.Errorf("%d attempts", len(attempts))
	}
	for name, forged := range attempts {
		if _, err := k.Parse(text); err != nil {
			t.Fatalf("the positive control: %v", err)
		}
		got, err := k.Parse(forged)
		if !errors.Is(err, ErrInvalid) || got != (Refresh{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		keepsQuiet(t, err, forged)
	}
}

// TestRefresh_PartsOfTwoTokensMakeNoThird takes each part of a token from one user's or from another's.
func TestRefresh_PartsOfTwoTokensMakeNoThird(t *testing.T) {
	k := refreshTokens()
	two := [2][]byte{}
	for i := range two {
		r := must(k.New(random16(), random16()))
		for range i {
			r = r.Next() // another generation
		}
		two[i], _ = decode(r.Text())
	}
	ends := []int{sessionAt, generationAt, secretAt, tagAt, refreshLen}
	for mix := range 1 << len(ends) {
		var spliced []byte
		for part, end := range ends {
			spliced = append(spliced, two[mix>>part&1][len(spliced):end]...)
		}
		_, err := k.Parse(base64url.EncodeToString(spliced))
		if whole := mix == 0 || mix == 1<<len(ends)-1; whole != (err == nil) {
			t.Errorf("parts %05b: %v", mix, err)
		}
	}
}

func random16() uuid.UUID { return uuid.UUID(random(16)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestRefresh_AccessAndRefreshTokensAreNotInterchangeable(t *testing.T) {
	f, k := newForger("EdDSA"), refreshTokens()
	r := newRefresh(k)
	if _, err := k.Parse(f.valid()); !errors.Is(err, ErrInvalid) {
		t.Errorf("an access token as refresh token: %v", err)
	}
	f.refuse(t, map[string]string{
		"refresh token": r.Text(), "refresh token thrice": r.Text() + "." + r.Text() + "." + r.Text(),
		"JWT of the refresh kind": f.headed(f.header().with("typ", `"rt+jwt"`)),
		"ID token":                f.headed(f.header().with("typ", `"JWT"`)),
	})
}

func TestRefresh_WithoutSessionOrRandomnessFails(t *testing.T) {
	for _, of := range [][2]uuid.UUID{{theUser, uuid.Nil}, {uuid.Nil, theSession}} {
		if _, err := refreshTokens().New(of[0], of[1]); err == nil {
			t.Errorf("a token of %v", of)
		}
	}
	k := must(NewRefreshTokens(secretsOf(rawSecret), strings.NewReader("short")))
	if _, err := k.New(theUser, theSession); err == nil {
		t.Error("a secret came from nowhere")
	}
}

// FuzzParseRefresh holds: no text makes it panic, and what passes is the one spelling of a token with a true tag.
func FuzzParseRefresh(f *testing.F) {
	k := refreshTokens()
	r := newRefresh(k)
	f.Add(r.Text())
	f.Add(r.Next().Text() + "=")
	f.Add("")
	f.Add(strings.Repeat("A", 112))
	f.Fuzz(func(t *testing.T, text string) {
		read, err := k.Parse(text)
		keepsQuiet(t, err, text)
		if err == nil && read.Text() != text {
			t.Errorf("%q passes as %v", text, read)
		}
		// The same bytes under a true tag: now they must read, unless they are of the last generation.
		if body, ok := decode(text); ok && len(body) == refreshLen {
			body = body[:tagAt]
			signed := base64url.EncodeToString(append(bytes.Clone(body), k.inUse().tag(body)...))
			read, err := k.Parse(signed)
			if last := binary.BigEndian.Uint32(body[generationAt:]) == math.MaxUint32; last != (err != nil) {
				t.Errorf("%q: %v", signed, err)
			} else if !last && (read.Text() != signed || read.Next().Generation != read.Generation+1) {
				t.Errorf("%q reads as %v", signed, read)
			}
		}
	})
}

func BenchmarkParseRefresh(b *testing.B) {
	k := refreshTokens()
	text := newRefresh(k).Text()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
