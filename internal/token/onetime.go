package token

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
)

// A one-time token is the base64url of: user (16 bytes), id (16), tag (32).
const (
	oneTimeIDAt  = 16
	oneTimeTagAt = oneTimeIDAt + 16
	oneTimeLen   = oneTimeTagAt + 32
)

// codeDigits is the length of a code.
const codeDigits = 8

// OneTimePurpose is what a one-time token is for. Its text must stay: tokens in mails depend on it.
type OneTimePurpose string

// The purposes of one-time tokens.
const (
	VerifyEmail   OneTimePurpose = "verify"
	ResetAccess   OneTimePurpose = "reset"
	ChangeEmail   OneTimePurpose = "change-email"
	UndoEmail     OneTimePurpose = "undo-email"
	SecureAccount OneTimePurpose = "secure"
	Invitation    OneTimePurpose = "invitation"
	Export        OneTimePurpose = "export"   // of what is stored about its user
	Registration  OneTimePurpose = "register" // its user is its own id: there is no account yet
	SecondFactor  OneTimePurpose = "factor"   // the challenge of a sign-in, which no mail has

	// Challenges of passkeys, whose bytes the text is of. No mail has one.
	AddPasskey OneTimePurpose = "add-passkey"
	UsePasskey OneTimePurpose = "use-passkey" // its user is its own id unless a session began it
)

// OneTimePurposes lists the purposes.
func OneTimePurposes() []OneTimePurpose {
	return []OneTimePurpose{VerifyEmail, ResetAccess, ChangeEmail, UndoEmail, Invitation, Registration, SecureAccount, Export,
		SecondFactor, AddPasskey, UsePasskey}
}

// OneTimeTokens makes and parses the tokens of links in mails, and their codes, under three subkeys of the secret. Text
// and code follow from the id, the user and the purpose: the database stores a digest, and a mail that is sent again has
// the same link. The tag of 256 bits lets a forged text be refused without a database query.
type OneTimeTokens struct{ perSecret[*oneTimeKeys] }

type oneTimeKeys struct{ tagKey, codeKey, digestKey []byte }

// OneTime is one one-time token. Whether it may still be used is for the database to decide.
type OneTime struct {
	Purpose OneTimePurpose
	User    uuid.UUID // for whom it was made, or by whom: an Invitation
	ID      uuid.UUID
	keys    *oneTimeKeys // which made it
}

// NewOneTimeTokens derives the keys.
func NewOneTimeTokens(secrets *Secrets) (*OneTimeTokens, error) {
	keys, err := newPerSecret(secrets, func(secret *Secret) (*oneTimeKeys, error) {
		k := &oneTimeKeys{}
		for u, key := range map[use]*[]byte{
			forOneTimeTag: &k.tagKey, forOneTimeCode: &k.codeKey, forOneTimeDigest: &k.digestKey,
		} {
			var err error
			if *key, err = secret.subkey(u); err != nil {
				return nil, fmt.Errorf("deriving the %s key from the secret: %w", u, err)
			}
		}
		return k, nil
	})
	return &OneTimeTokens{keys}, err
}

// New returns the token of an id, made with the secret in use.
func (k *OneTimeTokens) New(purpose OneTimePurpose, user, id uuid.UUID) (OneTime, error) {
	if user == uuid.Nil || id == uuid.Nil || !slices.Contains(OneTimePurposes(), purpose) {
		return OneTime{}, errors.New("a one-time token needs a purpose, a user and an id")
	}
	return OneTime{purpose, user, id, k.inUse()}, nil
}

// Stored returns the token whose digest the database has, made with the secret that made it then; false when neither
// secret did.
func (k *OneTimeTokens) Stored(purpose OneTimePurpose, user, id uuid.UUID, digest []byte) (OneTime, bool) {
	for _, keys := range k.keys {
		if o := (OneTime{purpose, user, id, keys}); o.Matches(digest) {
			return o, true
		}
	}
	return OneTime{}, false
}

// Parse reads what Text returned for a purpose, or returns ErrInvalid: for any other spelling, for a token of another
// purpose, and for any text that was not made with this secret.
func (k *OneTimeTokens) Parse(purpose OneTimePurpose, text string) (OneTime, error) {
	if len(text) != base64url.EncodedLen(oneTimeLen) {
		return OneTime{}, invalid("not a one-time token: another length")
	}
	data, ok := decode(text)
	if !ok {
		return OneTime{}, invalid("not a one-time token: not base64url")
	}
	o := OneTime{Purpose: purpose, User: uuid.UUID(data[:oneTimeIDAt]), ID: uuid.UUID(data[oneTimeIDAt:oneTimeTagAt])}
	for _, keys := range k.keys {
		if o.keys = keys; hmac.Equal(data[oneTimeTagAt:], o.tag()) {
			return o, nil
		}
	}
	return OneTime{}, invalid("not a one-time token of this purpose: the tag does not hold")
}

// Text returns the token as its mail has it: 86 characters.
func (o OneTime) Text() string { return base64url.EncodeToString(o.Challenge()) }

// Challenge returns the bytes of the text, as a passkey signs them.
func (o OneTime) Challenge() []byte { return append(o.body(), o.tag()...) }

// Code returns the 8 digits that stand for the token in one session. They are few: count the attempts.
func (o OneTime) Code(session uuid.UUID) string {
	data := append(append(o.body(), session[:]...), o.Purpose...)
	return fmt.Sprintf("%0*d", codeDigits, binary.BigEndian.Uint64(sum(o.keys.codeKey, data))%1e8)
}

// IsCode reports, in constant time, whether a text is the code.
func (o OneTime) IsCode(session uuid.UUID, text string) bool {
	return hmac.Equal([]byte(text), []byte(o.Code(session)))
}

// Digest returns the 32 bytes that the database stores in place of the token.
func (o OneTime) Digest() []byte { return sum(o.keys.digestKey, append(o.body(), o.tag()...)) }

// Matches reports, in constant time, whether a digest from the database is this token's.
func (o OneTime) Matches(digest []byte) bool { return hmac.Equal(digest, o.Digest()) }

// Format keeps the token out of logs, whatever the verb.
func (o OneTime) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "token.OneTime(%s, %s)", o.Purpose, o.ID)
}

func (o OneTime) body() []byte {
	return append(append(make([]byte, 0, oneTimeLen), o.User[:]...), o.ID[:]...)
}

func (o OneTime) tag() []byte { return sum(o.keys.tagKey, append(o.body(), o.Purpose...)) }
