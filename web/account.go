package web

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"path"

	"golang.org/x/text/language"
)

//go:embed account
var accountFiles embed.FS

// AccountPages are the pages: each is /account/PAGE. But for forgot, which has a mail sent, links of mails lead to them.
var AccountPages = []string{"verify", "reset", "change-email", "undo-email", "secure", "invitation", "register", "export",
	"forgot"}

// accountTexts are the words of the pages in a language. Each language has the same names.
type accountTexts struct {
	Labels   map[string]string            // of what all pages have
	Messages map[string]string            // by what happened, or a code or reason of an error
	Pages    map[string]map[string]string // by the name of the page
}

// accountPage is what the template of the pages may name.
type accountPage struct {
	accountTexts
	App, Language string
	Page          map[string]string
}

// accountPages serves the pages in each language.
type accountPages struct {
	files     handler // that have no words
	languages []string
	pages     []handler // by language
	matcher   language.Matcher
}

// Account serves the pages that links of mails lead to, in the language of the request, else in English, and their files.
// App is the name of the product on them. What a page does, it does when its button is pressed; to open it changes
// nothing.
func Account(app string) http.Handler {
	a := &accountPages{files: newHandler(accountFiles, "account")}
	tags := []language.Tag{}
	for _, name := range []string{"en", "de", "fr", "es"} { // the first is for those whose own language there is none of
		a.languages, tags = append(a.languages, name), append(tags, language.Make(name))
		a.pages = append(a.pages, accountPagesIn(name, app))
	}
	a.matcher = language.NewMatcher(tags)
	for file := range a.files {
		if ext := path.Ext(file); ext != ".js" && ext != ".css" {
			delete(a.files, file)
		}
	}
	return http.StripPrefix("/account", a)
}

// accountPagesIn writes the pages in a language. All is embedded, so an error is a fault of the build.
func accountPagesIn(name, app string) handler {
	html := template.Must(template.New("account.html").Option("missingkey=error").
		ParseFS(accountFiles, "account/account.html"))
	text, err := accountFiles.ReadFile("account/texts/" + name + ".json")
	var words accountTexts
	if err == nil {
		err = json.Unmarshal(text, &words)
	}
	pages := handler{}
	for _, page := range AccountPages {
		var b bytes.Buffer
		if err == nil {
			err = html.Execute(&b, accountPage{words, app, name, words.Pages[page]})
		}
		pages["/"+page] = newFile(page+".html", b.Bytes())
	}
	if err != nil {
		panic("web: " + err.Error())
	}
	return pages
}

func (a *accountPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	chosen := a.language(r.Header.Get("Accept-Language"))
	if _, ok := a.pages[chosen][r.URL.Path]; !ok {
		a.files.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Language", a.languages[chosen])
	w.Header().Set("Vary", "Accept-Language")
	a.pages[chosen].ServeHTTP(w, r)
}

// maxAcceptLanguageLen bounds what is read of an Accept-Language, in bytes.
const maxAcceptLanguageLen = 200

// language returns the place of the language that is for a reader.
func (a *accountPages) language(accept string) int {
	tags, _, err := language.ParseAcceptLanguage(accept[:min(len(accept), maxAcceptLanguageLen)])
	if err != nil {
		return 0
	}
	_, index, confidence := a.matcher.Match(tags...)
	if confidence <= language.Low { // as Chinese in one script for readers of the other
		return 0
	}
	return index
}
