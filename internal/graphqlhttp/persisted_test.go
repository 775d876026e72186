package graphqlhttp

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

const persisted = `{"persistedQuery":{"version":1,"sha256Hash":"` +
	`ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}`

// Clients that send hashes fall back to documents by this message, whatever the media type and the method.
func TestPersistedQuery_HashWithoutDocumentIsNotSupported(t *testing.T) {
	h := toy(t)
	for accept, status := range map[string]int{typeGraphQL: 400, typeJSON: 200, "*/*": 200} {
		for name, r := range map[string]*graphqltest.Reply{
			"POST": graphqltest.Post(t, h, `{"operationName":"A","variables":{},"extensions":`+persisted+`}`, "Accept", accept),
			"null": graphqltest.Post(t, h, `{"query":null,"extensions":`+persisted+`}`, "Accept", accept),
			"GET":  graphqltest.Send(t, h, newGet(url.Values{"extensions": {persisted}}, "Accept", accept)),
			"a mutation's GET": graphqltest.Send(t, h, newGet(url.Values{
				"extensions": {persisted}, "operationName": {"Login"}, "variables": {`{"a":1}`},
			}, "Accept", accept)),
		} {
			if r.StatusCode != status || r.Code() != "PERSISTED_QUERY_NOT_SUPPORTED" || len(r.Errors) != 1 ||
				r.Errors[0].Message != "PersistedQueryNotSupported" || r.Data != nil {
				t.Errorf("%s for %s: %d %s", name, accept, r.StatusCode, r.Text)
			}
		}
	}
}

// A document beside the hash is run, and what is no hash is a request without a document.
func TestPersistedQuery_DocumentDecides(t *testing.T) {
	h := toy(t)
	if r := graphqltest.Post(t, h, `{"query":"{ping}","extensions":`+persisted+`}`); r.StatusCode != 200 || r.Data == nil {
		t.Errorf("with a document: %d %s", r.StatusCode, r.Text)
	}
	for _, extensions := range []string{
		"null", "{}", `{"persistedQuery":null}`, `{"persistedQuery":"x"}`, `{"persistedQuery":{}}`,
		`{"persistedQuery":{"sha256Hash":null}}`, `{"persistedQuery":{"sha256Hash":7}}`,
	} {
		r := graphqltest.Post(t, h, `{"extensions":`+extensions+`}`)
		if r.StatusCode != 400 || r.Code() != badInput || !strings.Contains(r.Errors[0].Message, "query is missing") {
			t.Errorf("%s: %d %s", extensions, r.StatusCode, r.Text)
		}
	}
}
