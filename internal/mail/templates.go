package mail

import (
	"embed"
	"fmt"
	html "html/template"
	"io/fs"
	"maps"
	"slices"
	"strings"
	text "text/template"
	"time"

	"golang.org/x/text/language"
)

//go:embed templates
var files embed.FS

// fallback is the language of those whose own there is none of.
const fallback = "en"

// layoutFile is around each HTML part. It has the values Lang and Subject beside the message's.
const layoutFile = "layout.html"

// maxLocaleLen bounds what is read of a locale, in bytes.
const maxLocaleLen = 200

// Templates are the texts of each mail in each language. They do not change.
type Templates struct {
	app       string
	texts     map[string]string // by path
	languages []string          // in the order of the matcher's
	matcher   language.Matcher
}

// NewTemplates reads the embedded templates, and those of a folder in place of them. A folder may have further
// languages, each with every mail. App is the name of the product in the mails. Templates of the folder are tried: an
// error names the file and says how to mend it.
func NewTemplates(app string, replacing fs.FS) (*Templates, error) {
	embedded, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	t := &Templates{app: line(app)}
	if t.texts, err = readFolder(embedded); err != nil {
		return nil, err
	}
	t.setLanguages()
	if replacing == nil {
		return t, nil
	}
	others, err := readFolder(replacing)
	if err != nil {
		return nil, err
	}
	if err := t.checkNames(others); err != nil {
		return nil, err
	}
	maps.Copy(t.texts, others)
	t.setLanguages()
	return t, t.try(others)
}

// setLanguages makes the matcher, English first: it is for those whose own language there is none of.
func (t *Templates) setLanguages() {
	t.languages = []string{fallback}
	tags := []language.Tag{language.English}
	for _, path := range slices.Sorted(maps.Keys(t.texts)) {
		if folder, _, ok := strings.Cut(path, "/"); ok && !slices.Contains(t.languages, folder) {
			t.languages, tags = append(t.languages, folder), append(tags, language.Make(folder))
		}
	}
	t.matcher = language.NewMatcher(tags)
}

// Language returns the language of ours that is for a reader of a locale.
func (t *Templates) Language(locale string) string {
	tags, _, err := language.ParseAcceptLanguage(locale[:min(len(locale), maxLocaleLen)])
	if err != nil {
		return fallback
	}
	_, index, confidence := t.matcher.Match(tags...)
	if confidence <= language.Low { // as Chinese in one script for readers of the other
		return fallback
	}
	return t.languages[index]
}

// names are those of the files of a language.
func (t *Templates) names() (names []string) {
	for _, path := range slices.Sorted(maps.Keys(t.texts)) {
		if name, ok := strings.CutPrefix(path, fallback+"/"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Kinds are those that there are templates of.
func (t *Templates) Kinds() (kinds []Kind) {
	for _, name := range t.names() {
		if kind, ok := strings.CutSuffix(name, ".txt"); ok {
			kinds = append(kinds, Kind(kind))
		}
	}
	return kinds
}

// readFolder returns the files of a folder and of the folders in it, by path, without hidden ones: a volume of
// Kubernetes has some of its own.
func readFolder(folder fs.FS) (map[string]string, error) {
	texts := map[string]string{}
	for _, pattern := range []string{"*", "*/*"} {
		paths, err := fs.Glob(folder, pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			if info, err := fs.Stat(folder, path); err != nil || info.IsDir() || strings.HasPrefix(path, ".") ||
				strings.Contains(path, "/.") {
				continue
			}
			content, err := fs.ReadFile(folder, path)
			if err != nil {
				return nil, err
			}
			texts[path] = string(content)
		}
	}
	return texts, nil
}

// checkNames refuses files of others that are no templates, and languages of theirs that lack one.
func (t *Templates) checkNames(others map[string]string) error {
	names := t.names()
	list := strings.Join(names, ", ")
	for _, path := range slices.Sorted(maps.Keys(others)) {
		if strings.TrimSpace(others[path]) == "" {
			return fmt.Errorf("%s is empty; write the template, or remove the file", path)
		}
		folder, name, _ := strings.Cut(path, "/")
		if path == layoutFile {
			continue
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s is no template; the files are %s, and LANGUAGE/ with one of %s", path, layoutFile, list)
		}
		if _, err := language.Parse(folder); err != nil {
			return fmt.Errorf("%s is no language; name the folder as BCP 47 does, such as it or pt-BR", folder)
		}
		for _, name := range names {
			if !slices.Contains(t.languages, folder) && others[folder+"/"+name] == "" {
				return fmt.Errorf("%s/%s is missing; a further language needs each of %s", folder, name, list)
			}
		}
	}
	return nil
}

// try renders what others have a part in.
func (t *Templates) try(others map[string]string) error {
	for _, folder := range t.languages {
		for _, kind := range t.Kinds() {
			path := folder + "/" + string(kind)
			if others[layoutFile] == "" && others[path+".txt"] == "" && others[path+".html"] == "" {
				continue
			}
			for _, data := range t.samples(kind) {
				c, err := t.render(folder, Message{Kind: kind, To: "name@example.com", Data: data})
				if err != nil {
					return fmt.Errorf("%w; what a template may name is in the embedded one", err)
				}
				if err := checkLinks(path, data, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// checkLinks refuses templates of a mail that lack one of its links where readers can follow it.
func checkLinks(path string, data Data, c Content) error {
	for _, l := range []struct{ name, link, does string }{
		{"Link", data.Link, "to follow"},
		{"Secure", data.Secure, "that secures the account"},
	} {
		if l.link == "" {
			continue
		}
		if !strings.Contains("\n"+c.Text, "\n"+l.link+"\n") {
			return fmt.Errorf("%s.txt has no link %s; write {{.%s}} alone on a line", path, l.does, l.name)
		}
		if !strings.Contains(c.HTML, l.link) {
			return fmt.Errorf("%s.html has no link %s; write <a href=\"{{.%s}}\">", path, l.does, l.name)
		}
	}
	return nil
}

// samples are data of a kind with all that they may have, and with what they must have.
func (t *Templates) samples(kind Kind) []Data {
	embedded, _ := fs.ReadFile(files, "templates/"+fallback+"/"+string(kind)+".txt")
	needs := func(name string) bool { return strings.Contains(string(embedded), "{{."+name+"}}") }
	var must Data
	if needs("Link") {
		must.Link = "https://example.com/account/verify#token=0"
	}
	if needs("Email") {
		must.Email = "other@example.com"
	}
	if needs("Expires") {
		must.Expires = time.Unix(0, 0)
	}
	if needs("When") {
		must.When = time.Unix(0, 0)
	}
	may := must
	if may.Expires = time.Unix(0, 0); strings.Contains(string(embedded), "{{with .Secure}}") {
		may.Secure = "https://example.com/account/secure#token=0"
	}
	may.Name, may.Code, may.Where, may.Device = "Ann Example", "12345678", "192.0.2.1", "Firefox/140.0 (Windows)"
	return []Data{may, must}
}

// Render writes a message out in the language of its reader.
func (t *Templates) Render(m Message) (Content, error) { return t.render(t.Language(m.Locale), m) }

func (t *Templates) render(folder string, m Message) (c Content, err error) {
	path := folder + "/" + string(m.Kind)
	if t.texts[path+".txt"] == "" {
		return c, fmt.Errorf("there is no mail %q", m.Kind)
	}
	values := m.values(t.app)
	plain, err := text.New(path + ".txt").Option("missingkey=error").Parse(t.texts[path+".txt"])
	if err != nil {
		return c, err
	}
	var b strings.Builder
	if err := plain.Execute(&b, values); err != nil {
		return c, err
	}
	head, body, _ := strings.Cut(b.String(), "\n")
	subject, ok := strings.CutPrefix(strings.TrimSpace(head), "Subject: ")
	if !ok {
		return c, fmt.Errorf("%s.txt: the first line is not Subject: followed by the subject", path)
	}
	c = Content{Language: folder, Subject: subject, Text: strings.Trim(body, "\r\n") + "\n"}
	values["Lang"], values["Subject"] = folder, subject
	c.HTML, err = t.renderHTML(path+".html", values)
	return c, err
}

func (t *Templates) renderHTML(path string, values map[string]string) (string, error) {
	layout, err := html.New(layoutFile).Option("missingkey=error").Parse(t.texts[layoutFile])
	if err == nil {
		_, err = layout.New("body").Parse(t.texts[path])
	}
	var b strings.Builder
	if err == nil {
		err = layout.Execute(&b, values)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return b.String(), nil
}
