package token

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func personalTokens(key byte) *PersonalTokens {
	return must(NewPersonalTokens(bytes.Repeat([]byte{key}, PersonalKeyLen), nil))
}

func TestPersonal_ParseReadsWhatTextWrote(t *testing.T) {
	k := personalTokens(1)
	p := must(k.New())
	read, err := personalTokens(1).Parse(p.Text()) // by another instance
	testenv.Check(t, err)
	testenv.Equal(t, p.Text(), read.Text(), "the text")
	testenv.Equal(t, p.Digest(), read.Digest(), "the digest")
	other := must(k.New())
	if len(p.Digest()) != 32 || bytes.Equal(p.Digest(), other.Digest()) || p.Text() == other.Text() {
		t.Error("two tokens have one text or one digest")
	}
	if version := CacheKey(p.Digest()).Version(); version != 8 {
		t.Errorf("the cache key has the version %d, which ids have", version)
	}
}

// TestPersonal_ScannersKnowThemWithoutAKey by a regular expression and a checksum, as docs/clients.md says.
func TestPersonal_ScannersKnowThemWithoutAKey(t *testing.T) {
	pattern := regexp.MustCompile(`^gh_pat_[A-Za-z0-9_-]{64}$`)
	known := func(text string) bool {
		if !pattern.MatchString(text) {
			return false
		}
		data := must(base64.RawURLEncoding.DecodeString(text[len("gh_pat_"):]))
		return crc32.ChecksumIEEE(append([]byte("gh_pat_"), data[:44]...)) == binary.BigEndian.Uint32(data[44:])
	}
	text := must(personalTokens(1).New()).Text()
	testenv.Equal(t, true, known(text), "a token is known")
	typo := []byte(text)
	for i := len(PersonalPrefix); i < len(typo); i++ {
		former := typo[i]
		typo[i] = 'A' + (former-'A'+1)%26
		testenv.Equal(t, false, known(string(typo)), "with another letter at %d", i)
		typo[i] = former
	}
}

// TestPersonal_NoOtherTextIsOne, in particular none whose checksum everybody can compute.
func TestPersonal_NoOtherTextIsOne(t *testing.T) {
	k := personalTokens(1)
	p := must(k.New())
	raw := must(base64.RawURLEncoding.DecodeString(p.Text()[len(PersonalPrefix):]))
	encode := func(data []byte) string { return PersonalPrefix + base64.RawURLEncoding.EncodeToString(data) }
	testenv.Equal(t, p.Text(), encode(raw), "the control")
	refused := map[string]string{
		"empty": "", "the prefix": PersonalPrefix, "no prefix": p.Text()[len(PersonalPrefix):],
		"another prefix": "gh_PAT_" + p.Text()[len(PersonalPrefix):], "cut": p.Text()[:70], "longer": p.Text() + "A",
		"a line break": p.Text() + "\n", "a blank": " " + p.Text(), "twice": p.Text() + p.Text(),
		"no letters": PersonalPrefix + strings.Repeat("*", 64), "of another key": must(personalTokens(2).New()).Text(),
	}
	for i := range raw {
		changed := slices.Clone(raw)
		changed[i] ^= 1
		refused[fmt.Sprintf("byte %d", i)] = encode(changed)
		binary.BigEndian.PutUint32(changed[44:], personalChecksum(changed[:44]))
		if i < 44 {
			refused[fmt.Sprintf("byte %d, and the checksum", i)] = encode(changed)
		}
	}
	for name, text := range refused {
		if _, err := k.Parse(text); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPersonal_PrintsNoSecret(t *testing.T) {
	p := must(personalTokens(1).New())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		testenv.Equal(t, "token.Personal(hidden)", fmt.Sprintf(verb, p), "%s", verb)
	}
}

func TestPersonalTokens_NeedTheirKey(t *testing.T) {
	for _, n := range []int{0, 31, 33} {
		if _, err := NewPersonalTokens(make([]byte, n), nil); err == nil {
			t.Errorf("a key of %d bytes is taken", n)
		}
	}
	if _, err := must(NewPersonalTokens(make([]byte, 32), strings.NewReader("short"))).New(); err == nil {
		t.Error("a token of too few random bytes is made")
	}
}
