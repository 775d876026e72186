package passkey

import (
	"encoding/json"
	"net/http"
	"strings"
)

// RelatedOriginsPath is where a browser looks, at the relying party's domain, whether a page of another domain may use
// its passkeys (Web Authentication, section 5.11).
const RelatedOriginsPath = "/.well-known/webauthn"

// RelatedOrigins serves the document that names the origins of such pages. Others than https are left out: no browser
// takes them.
func RelatedOrigins(origins []string) http.HandlerFunc {
	document := struct {
		Origins []string `json:"origins"`
	}{[]string{}}
	for _, origin := range origins {
		if strings.HasPrefix(origin, "https://") {
			document.Origins = append(document.Origins, origin)
		}
	}
	text, _ := json.Marshal(document) // texts: it cannot fail
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "public, max-age=300")
		w.Write(text)
	}
}
