package totp

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestURI_SurvivesHostileNames reads each URI as an app does: by its parts, and then unescaped.
func TestURI_SurvivesHostileNames(t *testing.T) {
	for _, name := range []string{
		"Gatehouse", "Gate house", "a&b", "a=b&secret=AAAA", "a+b", "a%20b", "a/b?c#d", `"><script>`, "Köln 🔑", "100%", "a:b", "::",
		"", "a\r\nb", "a\x00b", "@", "&issuer=other",
	} {
		shown := strings.ReplaceAll(name, ":", "")
		text := theSecret.URI(name, name+"@example.com")
		u, err := url.Parse(text)
		testenv.Check(t, err)
		query, err := url.ParseQuery(u.RawQuery)
		testenv.Check(t, err)
		want := url.Values{"secret": {theSecret.Text()}, "issuer": {shown}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
		testenv.Equal(t, want, query, "the parameters of %s", text)
		label, err := url.PathUnescape(strings.TrimPrefix(u.EscapedPath(), "/"))
		testenv.Check(t, err)
		testenv.Equal(t, shown+":"+shown+"@example.com", label, "the label of %s", text)
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Fragment != "" || strings.ContainsAny(text, "+ \"<>") {
			t.Errorf("%s", text)
		}
	}
}

// TestQRCode_IsOneSmallSVG that any page may show.
func TestQRCode_IsOneSmallSVG(t *testing.T) {
	long := strings.Repeat("ü", 60)
	for _, text := range []string{theSecret.URI("Gatehouse", "ada@example.com"), theSecret.URI(long, strings.Repeat("a", 254))} {
		svg, err := QRCode(text)
		testenv.Check(t, err)
		t.Logf("%d bytes of %d", len(svg), len(text))
		if !strings.HasPrefix(svg, "<svg ") || len(svg) > 100_000 || strings.Contains(svg, "style") {
			t.Errorf("%.300s", svg)
		}
		testenv.Check(t, xml.Unmarshal([]byte(svg), new(struct{})))
	}
	if _, err := QRCode(strings.Repeat("a", 3000)); err == nil {
		t.Error("a text that no code holds has one")
	}
}
