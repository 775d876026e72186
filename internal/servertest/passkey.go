package servertest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
)

// PageOrigin is that of a page which a server with the default issuer lets use passkeys.
const PageOrigin = "http://localhost:5173"

// Options returns what startPasskey or startPasskeyLogin answers to the user of an access token, or to nobody.
func (c *Client) Options(access, field string) any {
	c.t.Helper()
	var body struct {
		Data map[string]struct{ Options any }
	}
	Check(c.t, json.Unmarshal([]byte(c.Must(access, "mutation { "+field+" { options } }").Body), &body))
	return body.Data[field].Options
}

// AddPasskey gives the user of an access token a passkey.
func (c *Client) AddPasskey(access string) *passkeytest.Passkey {
	c.t.Helper()
	key, response := passkeytest.Create(c.t, PageOrigin, c.Options(access, "startPasskey"))
	c.Must(access, "mutation { addPasskey(input: {response: "+Literal(response)+"}) { factor { id } } }")
	return key
}

// Literal returns a JSON value as it is written in a GraphQL document.
func Literal(value any) string {
	switch value := value.(type) {
	case map[string]any:
		var fields []string
		for name, v := range value {
			fields = append(fields, name+": "+Literal(v))
		}
		slices.Sort(fields)
		return "{" + strings.Join(fields, ", ") + "}"
	case []string:
		return JSON(value)
	case string:
		return JSON(value)
	}
	return fmt.Sprint(value)
}
