package abuse

import (
	"net/url"
	"time"
)

const makesToken = `mutation Make($in: CreateAccessTokenInput!) { createAccessToken(input: $in) { token accessToken { id } } }`

// useProgram makes a personal access token in a session, and sends it where it belongs and where it does not: in a header, a
// variable, a document, a URL and a path.
func (i *intruder) useProgram(session string) {
	i.t.Helper()
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	made := i.must(i.ask(session, makesToken, in("name", "a program", "scopes", []string{"account:read"}, "expiresAt", tomorrow)))
	token := made[0]
	i.ask(token, "query Program { me { id accessTokens { id } } users { totalCount } }", nil)
	i.ask(token+"x", "{ me { id } }", nil)
	i.ask(token[:40], "{ me { id } }", nil)
	i.ask("", "query Program { me { id } }", nil, "Authorization", token)
	i.ask("", "query Program { me { id } }", nil, "X-Api-Key", token, "Cookie", "gatehouse_refresh="+token)
	i.ask(session, `mutation { revokeAccessToken(id: "`+token+`") { success } }`, nil)
	i.ask(session, makesToken, in("name", token+" "+token, "scopes", []string{token}, "expiresAt", token))
	i.ask("", refreshes, in("refreshToken", token))
	i.ask("", `query ($x: String = "`+token+`") { me { id } }`, map[string]any{"x": token})
	i.get("/graphql?query=" + url.QueryEscape("{me{id}}") + "&access_token=" + token)
	i.get("/" + token)
	i.get("/revocations?token=" + token)
	i.listen(token)
	i.ask(token, "mutation { logout { success } }", nil)
}
