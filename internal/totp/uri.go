package totp

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// URI returns what an app scans (github.com/google/google-authenticator/wiki/Key-Uri-Format). The names are those that
// the app shows; a colon divides them, and is left out of both.
func (s Secret) URI(issuer, account string) string {
	issuer, account = escape(issuer), escape(account)
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		issuer, account, s.Text(), issuer, digits, int(period.Seconds()))
}

// escape encodes all but the unreserved characters (RFC 3986, section 2.3). A blank is %20: apps show a plus as it is.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == ':':
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// quietZone is how many light modules are around a QR code (ISO/IEC 18004).
const quietZone = 4

// QRCode returns the QR code of a text as an SVG of two paths, dark on light whatever the page's colours, and without
// styles, which a content security policy may forbid.
func QRCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("making a QR code of %d bytes: %w", len(text), err)
	}
	var dark strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			n := 0
			for code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&dark, "M%d %dh%dv1h-%dz", x+quietZone, y+quietZone, n, n)
				x += n
			}
		}
	}
	side := code.Size + 2*quietZone
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#000" d="%s"/></svg>`, side, side, side, side, &dark), nil
}
