// Package totp is one-time codes by time (RFC 6238): secrets, codes, and what an authenticator app scans. It has no
// tables: that a code works once is for its caller to see to, by the step that Match returns.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// What every authenticator app understands. Many ignore other values, and show codes that are refused.
const (
	period    = 30 * time.Second
	digits    = 6
	secretLen = 20 // RFC 4226, section 4, R6: as long as the digest
	skew      = 1  // steps that the clock of a phone may be off
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// Secret is what the server and an app have in common.
type Secret []byte

// NewSecret draws a secret.
func NewSecret() Secret {
	s := make(Secret, secretLen)
	rand.Read(s)
	return s
}

// Text returns the secret as people type it into an app: base32 (RFC 4648).
func (s Secret) Text() string { return base32Text.EncodeToString(s) }

// Format keeps the secret out of logs, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "totp.Secret(hidden)") }

// stepOf returns the number of the step of a moment (RFC 6238, section 4.2).
func stepOf(at time.Time) int64 { return at.Unix() / int64(period/time.Second) }

// Code returns the code of a moment.
func (s Secret) Code(at time.Time) string { return s.code(stepOf(at)) }

// code is HOTP with the step as counter (RFC 4226, section 5.3).
func (s Secret) code(step int64) string {
	mac := hmac.New(sha1.New, s)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, number%1_000_000)
}

// Match returns the step whose code a text is: of the steps that now may be by the clock of a phone, the first one after
// last, the step that was used before. Blanks in the text do not count. It takes as long for a wrong code as for a right
// one.
func (s Secret) Match(text string, now time.Time, last int64) (step int64, ok bool) {
	text = strings.ReplaceAll(text, " ", "")
	for at := stepOf(now) + skew; at >= stepOf(now)-skew; at-- {
		if hmac.Equal([]byte(text), []byte(s.code(at))) && at > last {
			step, ok = at, true
		}
	}
	return step, ok
}
