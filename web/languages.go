package web

import (
	"net/http"

	"golang.org/x/text/language"
)

// languages are those of the pages. The first is for those whose own language is not among them.
var languages = []string{"en", "de", "fr", "es"}

var matcher = newMatcher()

func newMatcher() language.Matcher {
	tags := []language.Tag{}
	for _, name := range languages {
		tags = append(tags, language.Make(name))
	}
	return language.NewMatcher(tags)
}

// chooseLanguage returns the place of the language that is for a reader, and says in the answer which it is.
func chooseLanguage(w http.ResponseWriter, r *http.Request) int {
	chosen := languageOf(r.Header.Get("Accept-Language"))
	w.Header().Set("Content-Language", languages[chosen])
	w.Header().Set("Vary", "Accept-Language")
	return chosen
}

// maxAcceptLanguageLen bounds what is read of an Accept-Language, in bytes.
const maxAcceptLanguageLen = 200

func languageOf(accept string) int {
	tags, _, err := language.ParseAcceptLanguage(accept[:min(len(accept), maxAcceptLanguageLen)])
	if err != nil {
		return 0
	}
	_, index, confidence := matcher.Match(tags...)
	if confidence <= language.Low { // as Chinese in one script for readers of the other
		return 0
	}
	return index
}
