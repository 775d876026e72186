package graphqlhttp

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/gatehouse/gatehouse/internal/graphqltest"
)

// Half a surrogate pair is no character, wherever a text may stand; a pair is one, and an escaped backslash begins none.
func TestRequest_HalfASurrogatePairIsMalformed(t *testing.T) {
	h := toy(t)
	for text, status := range map[string]int{
		`\ud800`: 400, `\udbff`: 400, `\udc00`: 400, `\uDFFF`: 400, `\ude00\ud83d`: 400, `\ud83d\ud83d`: 400, `\ud83dx`: 400,
		`\ud83d\n\ude00`: 400, `\ud83d\ude00\ude00`: 400, `x\udfff`: 400, `\\\ud800`: 400,
		`\ud83d\ude00`: 200, `\\ud800`: 200, `ud800`: 200, `\ud7ff\ue000`: 200, `\uD83D\uDE00\ud83d\ude00`: 200,
	} {
		for place, r := range map[string]*http.Request{
			"a document":          newPost(graphqltest.Body(`{echo(text:"` + text + `")}`)),
			"a variable":          newPost(`{"query":"{ping}","variables":{"a":["` + text + `"]}}`),
			"a name":              newPost(`{"query":"{ping}","variables":{"` + text + `":1}}`),
			"extensions":          newPost(`{"query":"{ping}","extensions":{"a":"` + text + `"}}`),
			"a document of a GET": newGet(url.Values{"query": {`{echo(text:"` + text + `")}`}}),
			"a variable of a GET": newGet(url.Values{"query": {"{ping}"}, "variables": {`{"a":"` + text + `"}`}}),
		} {
			if got := graphqltest.Send(t, h, r); got.StatusCode != status {
				t.Errorf("%s in %s: %d, want %d: %s", text, place, got.StatusCode, status, got.Text)
			}
		}
	}
	for document, status := range map[string]int{
		"{ping} # \\ud800":                               200,
		`{echo(text:"""\ud800 \""" " \udfff""")}`:        200,
		`{echo(text:"""a""") b:echo(text:"\ud800")}`:     400,
		"{ping # \"\n echo(text:\"\\ud800\")}":           400,
		`{echo(text:"#") b:echo(text:"\ud800")}`:         400,
		`{echo(text:"\"\"\"") b:echo(text:"\ud800")}`:    400,
		`{echo(text:"") b:echo(text:"\ud800")}`:          400,
		`{echo(text:"""\""" """) b:echo(text:"\udfff")}`: 400,
	} {
		if got := graphqltest.Send(t, h, newPost(graphqltest.Body(document))); got.StatusCode != status {
			t.Errorf("%s: %d, want %d: %s", document, got.StatusCode, status, got.Text)
		}
	}
	for _, bytes := range []string{"\xed\xa0\x80", "\xff", "\xc0\x80"} { // of a half, and of nothing
		if got := graphqltest.Send(t, h, newGet(url.Values{"query": {`{echo(text:"` + bytes + `")}`}})); got.StatusCode != 400 {
			t.Errorf("%q: %d %s", bytes, got.StatusCode, got.Text)
		}
	}
}
