package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Browsers that run no script send the form of a page, with the link of the mail: a link's token is behind the #, which
// browsers tell to scripts alone.

// maxFormLen bounds a form, in bytes.
const maxFormLen = 16 << 10

// graphqlAnswer is of a document with one field.
type graphqlAnswer struct {
	Data   map[string]struct{ AccessToken, JSON string }
	Errors []struct {
		Extensions struct {
			Code, Reason string
			RetryAfter   int // in seconds
		}
	}
}

// serveForm does what the button of a page does, and writes the page with what came of it.
func (a *accountPages) serveForm(w http.ResponseWriter, r *http.Request, page accountPage) {
	r.Body = http.MaxBytesReader(w, r.Body, maxFormLen)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "send the form of this page", http.StatusBadRequest)
		return
	}
	page.Link, page.TypedName = r.PostForm.Get("link"), r.PostForm.Get("name")
	w.Header().Set("Cache-Control", "no-store")
	variables := page.variables(r)
	if !page.Action.Open && variables["token"] == "" {
		page.Said = []string{page.Messages["missing"], page.Page["again"]}
		page.serve(w)
		return
	}
	answer := a.ask(r, page.Action.Document, variables, "")
	if answer.Errors != nil || answer.Data == nil {
		page.refuse(answer)
		page.serve(w)
		return
	}
	for _, payload := range answer.Data {
		if payload.AccessToken != "" { // nobody keeps the session
			a.ask(r, "mutation { logout { success } }", nil, payload.AccessToken)
		}
		if payload.JSON != "" {
			serveDownload(w, payload.JSON)
			return
		}
	}
	page.end(page.Page["done"])
	page.serve(w)
}

// variables are those of the page's document. A name that is left empty is not sent.
func (p *accountPage) variables(r *http.Request) map[string]string {
	variables := map[string]string{}
	if !p.Action.Open {
		_, after, found := strings.Cut(p.Link, "token=")
		token, _, _ := strings.Cut(after, "&")
		if !found {
			token = p.Link
		}
		variables["token"] = strings.TrimSpace(token)
	}
	if p.Action.Email {
		variables["email"] = r.PostForm.Get("email")
	}
	if p.Action.Password {
		variables["password"] = r.PostForm.Get("password")
	}
	if p.Action.Name && p.TypedName != "" {
		variables["name"] = p.TypedName
	}
	return variables
}

// ask has a document answered for nobody, or for whom an access token names.
func (a *accountPages) ask(r *http.Request, document string, variables map[string]string, token string) (answer graphqlAnswer) {
	operation, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil || json.Unmarshal(a.answer(r, operation, token), &answer) != nil {
		return graphqlAnswer{}
	}
	return answer
}

// refuse says why it was not done. What another link could mend ends the form.
func (p *accountPage) refuse(answer graphqlAnswer) {
	if answer.Errors == nil {
		p.Said = []string{p.Messages["failed"]}
		return
	}
	e := answer.Errors[0].Extensions
	switch e.Code {
	case "SECOND_FACTOR_REQUIRED": // the password is changed; signing in wants the second factor
		p.end(p.Page["done"])
	case "INVALID_TOKEN":
		p.end(cmp.Or(p.Messages[e.Reason], p.Messages["unknown"]), p.Page["again"])
		p.ForgotShown = p.Action.Forgot
	default:
		text := cmp.Or(p.Messages[e.Reason], p.Messages[e.Code], p.Messages["failed"])
		p.Said = []string{strings.ReplaceAll(text, "{seconds}", strconv.Itoa(e.RetryAfter))}
	}
}

func (p *accountPage) end(sentences ...string) { p.Said, p.Ended = sentences, true }

func (p *accountPage) serve(w http.ResponseWriter) {
	var b bytes.Buffer
	if err := accountHTML.Execute(&b, p); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType(".html"))
	w.Write(b.Bytes())
}

// serveDownload lets the browser keep a JSON text as a file, written for readers.
func serveDownload(w http.ResponseWriter, text string) {
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(text), "", "  "); err != nil {
		http.Error(w, "the file cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="my-data.json"`)
	w.Write(b.Bytes())
}
