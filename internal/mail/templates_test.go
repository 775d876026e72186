package mail

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	netmail "net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gatehouse/gatehouse/internal/testenv"
)

func newTemplates(t *testing.T, app string, replacing fs.FS) *Templates {
	t.Helper()
	templates, err := NewTemplates(app, replacing)
	testenv.Check(t, err)
	return templates
}

// constants are the kinds that message.go declares.
func constants(t *testing.T) (kinds []Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "message.go", nil, 0)
	testenv.Check(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Kind" {
				text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				kinds = append(kinds, Kind(text))
			}
		}
		return true
	})
	slices.Sort(kinds)
	return kinds
}

var action = regexp.MustCompile(`\{\{-? ?(?:with )?\.(\w+)\}\}`)

// fieldsOf are the values that a template names.
func fieldsOf(text string) (names []string) {
	for _, found := range action.FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestTemplates_AreThereInEachLanguageWithTheSameValues, and each kind is a constant.
func TestTemplates_AreThereInEachLanguageWithTheSameValues(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	testenv.Equal(t, constants(t), templates.Kinds(), "kinds with templates")
	if len(templates.languages) < 4 || len(templates.Kinds()) < 11 {
		t.Errorf("%d languages, %d kinds", len(templates.languages), len(templates.Kinds()))
	}
	seen := 1 // the layout
	for _, folder := range templates.languages {
		for _, name := range templates.names() {
			seen++
			text, english := templates.texts[folder+"/"+name], templates.texts[fallback+"/"+name]
			testenv.Equal(t, fieldsOf(english), fieldsOf(text), "%s/%s: values", folder, name)
			testenv.Equal(t, strings.Count(english, "\n"), strings.Count(text, "\n"), "%s/%s: lines", folder, name)
			if folder == "fr" && regexp.MustCompile(` [:;?!]`).MatchString(text) {
				t.Errorf("%s/%s: a sign that has a space before it may begin a line: write U+00A0", folder, name)
			}
			if folder != fallback && text == english {
				t.Errorf("%s/%s is not translated", folder, name)
			}
		}
	}
	testenv.Equal(t, seen, len(templates.texts), "files")
}

// hostile is what others may put into a value.
var hostile = map[string]string{
	"markup":      `<script>alert(1)</script><img src="https://evil.example/x">`,
	"lines":       "Ann\r\nBcc: eve@evil.example\r\n\r\nhttps://evil.example/\r\n",
	"separators":  "Ann\u2028https://evil.example/\u2029\u0085\v\f",
	"directions":  "\u202eevil\u2066\u200f\u202c",
	"letters":     strings.Repeat("Ä", 100),
	"template":    "{{.Link}}{{template \"body\"}}",
	"attribute":   `" onmouseover="alert(1)" x='`,
	"address":     "evil.example/login",
	"javascript":  "javascript:alert(1)",
	"not UTF-8":   "Ann\xff\xfe",
	"encoded":     "=?utf-8?q?Ann=0D=0ABcc:_eve@evil.example?=",
	"end of data": "\r\n.\r\nMAIL FROM:<eve@evil.example>\r\n",
}

func full(value string) Data {
	at := time.Date(2026, 11, 27, 16, 34, 0, 0, time.UTC)
	return Data{
		Name: value, Link: "https://id.example.com/account/verify#token=abc_-",
		Secure: "https://id.example.com/account/secure#token=abc_-", Code: "12345678", Email: value,
		Expires: at, When: at, Where: value, Device: value,
	}
}

var tag = regexp.MustCompile(`<[a-zA-Z/!][^>]*>`)

// TestRender_HostileValuesStayText in each template and language: the HTML has the tags that it has with plain values,
// the text has the same lines, and the message the same headers.
func TestRender_HostileValuesStayText(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	sender := &SMTP{SMTPConfig{From: netmail.Address{Name: "App", Address: "app@example.com"}}, "id.example.com"}
	shape := func(folder string, kind Kind, value string) (tags, lines, headers []string) {
		m := Message{ID: "1", Kind: kind, To: "name@example.com", Locale: folder, Data: full(value)}
		m.Data.Code = value
		c, err := templates.Render(m)
		testenv.Check(t, err)
		testenv.Equal(t, folder, c.Language, "language")
		if strings.Contains(c.HTML, "evil.example/x\"") || strings.ContainsAny(c.Subject+c.Text, "\r\u2028\u202e\v\u0085") {
			t.Errorf("%s/%s of %q: %s%s", folder, kind, value, c.Subject, c.Text)
		}
		tags = tag.FindAllString(c.HTML, -1)
		for line := range strings.Lines(c.Text) {
			if strings.HasPrefix(line, "http") {
				lines = append(lines, line)
			}
		}
		var b bytes.Buffer
		_, err = sender.compose(m, c).WriteTo(&b)
		testenv.Check(t, err)
		return tags, append(lines, fmt.Sprint(strings.Count(c.Text, "\n"))), headersOf(t, b.String())
	}
	for _, folder := range templates.languages {
		for _, kind := range templates.Kinds() {
			// A device and a name that are not named are left out with their line.
			wantTags, wantLines, wantHeaders := shape(folder, kind, "x/1")
			for name, value := range hostile {
				tags, lines, headers := shape(folder, kind, value)
				testenv.Equal(t, wantTags, tags, "%s/%s with %s: tags", folder, kind, name)
				testenv.Equal(t, wantLines, lines, "%s/%s with %s: links and lines", folder, kind, name)
				testenv.Equal(t, wantHeaders, headers, "%s/%s with %s: headers", folder, kind, name)
			}
		}
	}
}

// headersOf are the names of a message's headers, with the values of those that no template writes.
func headersOf(t *testing.T, text string) (headers []string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(text))
	testenv.Check(t, err)
	for name, values := range m.Header {
		if slices.Contains([]string{"Date", "Subject", "Content-Type"}, name) {
			values = []string{fmt.Sprint(len(values))}
		}
		headers = append(headers, name+": "+strings.Join(values, "|"))
	}
	slices.Sort(headers)
	return headers
}

// TestRender_LinkAndCodeStandAlone on their lines, where mail programs and tests find them.
func TestRender_LinkAndCodeStandAlone(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	links, codes := 0, 0
	for _, folder := range templates.languages {
		for _, kind := range templates.Kinds() {
			m := Message{Kind: kind, To: "name@example.com", Locale: folder, Data: full("Ann Example")}
			c, err := templates.Render(m)
			testenv.Check(t, err)
			for part, value := range map[string]string{"Link": m.Data.Link, "Secure": m.Data.Secure, "Code": m.Data.Code} {
				if !slices.Contains(fieldsOf(templates.texts[folder+"/"+string(kind)+".txt"]), part) {
					continue
				}
				if part == "Code" {
					codes++
				} else {
					links++
				}
				if strings.Count(c.Text, "\n\n"+value+"\n") != 1 || strings.Count(c.HTML, value) != 1 {
					t.Errorf("%s/%s: %s does not stand alone, once:\n%s", folder, kind, part, c.Text)
				}
			}
			if m.Data.Code = ""; strings.Contains(c.Text, "12345678") {
				without, err := templates.Render(m)
				testenv.Check(t, err)
				if strings.Contains(without.HTML, `class="code"`) || strings.Contains(without.Text, "\n\n\n") {
					t.Errorf("%s/%s without a code:\n%s", folder, kind, without.Text)
				}
			}
		}
	}
	if links < 28 || codes < 8 {
		t.Errorf("%d links, %d codes", links, codes)
	}
}

// TestRender_NothingIsLoadedFromAnywhere: a mail that is opened asks no server.
func TestRender_NothingIsLoadedFromAnywhere(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	loads := regexp.MustCompile(`(?i)src=|url\(|@import|<link|<script|<img|<iframe|<form|background=`)
	for path, text := range templates.texts {
		if found := loads.FindString(text); found != "" {
			t.Errorf("%s: %s", path, found)
		}
	}
	if loads.FindString(`<img SRC="x">`) == "" {
		t.Error("nothing is found")
	}
}

// TestRender_WithoutWhatAMailNeedsFails, and sends none.
func TestRender_WithoutWhatAMailNeedsFails(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	for _, kind := range templates.Kinds() {
		_, err := templates.Render(Message{Kind: kind, To: "name@example.com"})
		if kind != Test && err == nil {
			t.Errorf("%s without data: sent", kind)
		}
	}
	if _, err := templates.Render(Message{Kind: "unknown"}); err == nil {
		t.Error("an unknown kind: sent")
	}
}

func TestGreeting_IsANameAndNothingElse(t *testing.T) {
	for name, want := range map[string]string{
		"Ann": "Ann", "Ann-Marie O'Neil": "Ann-Marie O'Neil", "J. R. R. Tolkien": "J. R. R. Tolkien", "Martin King Jr.": "Martin King Jr.",
		" Zoë ": "Zoë", "François l’Ouverture": "François l’Ouverture", "山田太郎": "山田太郎", "علی\u200cرضا": "علی\u200cرضا",
		"": "", "evil.com": "", "www.evil.example": "", "https://evil.example": "", "a@b.example": "", "Call 0900 123": "",
		"Ann\nhttps://x": "", "<b>Ann</b>": "", strings.Repeat("Ann ", 16): "", "Ann!": "", "Ann: you won": "", "ann/x": "",
		"Your account is closed. Call us": "", "Please go to our new page now": "", "Closed. Pay now": "", "Prof. Ann": "Prof. Ann",
		"\u202eAnn": "Ann", "Ann\u0000": "Ann", "{{.Link}}": "",
	} {
		testenv.Equal(t, want, greeted(name), "greeting of %q", name)
	}
}

func TestDevice_IsNamedWhenItIsKnown(t *testing.T) {
	const webkit = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]string{
		fmt.Sprintf(webkit, "Windows NT 10.0; Win64; x64") + "Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0": "Edge, Windows",
		fmt.Sprintf(webkit, "X11; Linux x86_64") + "Chrome/140.0.0.0 Safari/537.36":                         "Chrome, Linux",
		fmt.Sprintf(webkit, "Linux; Android 15") + "Chrome/140.0.0.0 Mobile Safari/537.36":                  "Chrome, Android",
		fmt.Sprintf(webkit, "iPhone; CPU iPhone OS 18_0 like Mac OS X") + "Version/18.0 Safari/604.1":       "Safari, iPhone",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0":              "Firefox, macOS",
		"curl/8.5.0": "curl", "": "", "visit https://evil.example": "", "Apollo-iOS": "",
	} {
		testenv.Equal(t, want, device(agent), "device of %q", agent)
	}
}

func TestLanguage_IsTheReadersOrEnglish(t *testing.T) {
	templates := newTemplates(t, "App", nil)
	for locale, want := range map[string]string{
		"de": "de", "de-AT": "de", "fr-CH, fr;q=0.9, de;q=0.5": "fr", "es-419": "es", "en-GB": "en", "gsw": "de",
		"": "en", "zh-CN": "en", "ja": "en", "x": "en", "de_DE": "de", "*": "en", "\xff": "en",
		strings.Repeat("de-", 5000): "en", "ja, fr;q=0.5": "fr",
	} {
		testenv.Equal(t, want, templates.Language(locale), "language for %.40q", locale)
	}
}

// TestReplacedTemplates_AreUsedOrRefusedWithTheirName.
func TestReplacedTemplates_AreUsedOrRefusedWithTheirName(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	own := newTemplates(t, "App", fstest.MapFS{
		"de/verify.txt": file("Subject: Hallo\n\n{{.Link}}\n"), "..data/de": file("x"), ".DS_Store": file("x"),
	})
	c, err := own.Render(Message{Kind: Verify, To: "a@example.com", Locale: "de", Data: full("Ann")})
	testenv.Check(t, err)
	testenv.Equal(t, "Hallo", c.Subject, "the subject of a file of the folder")
	if !strings.Contains(c.HTML, "Adresse bestätigen") {
		t.Errorf("the other file is not the embedded one: %s", c.HTML)
	}
	italian := fstest.MapFS{}
	for _, name := range own.names() {
		italian["it/"+name] = file(own.texts["es/"+name])
	}
	testenv.Equal(t, "it", newTemplates(t, "App", italian).Language("it-CH"), "a further language")
	chinese := fstest.MapFS{}
	for _, name := range own.names() {
		chinese["zh-Hant/"+name] = file(own.texts["es/"+name])
	}
	for locale, want := range map[string]string{"zh-TW": "zh-Hant", "zh-CN": "en"} { // whose readers read the other script
		testenv.Equal(t, want, newTemplates(t, "App", chinese).Language(locale), "language for %s", locale)
	}
	delete(italian, "it/reset.html")
	for name, c := range map[string]struct {
		folder fstest.MapFS
		says   string
	}{
		"a language that lacks one": {italian, "it/reset.html is missing"},
		"no such kind":              {fstest.MapFS{"de/verfy.txt": file("x")}, "de/verfy.txt is no template"},
		"no language":               {fstest.MapFS{"deutsch!/verify.txt": file("x")}, "deutsch! is no language"},
		"another file":              {fstest.MapFS{"README.md": file("x")}, "README.md is no template"},
		"an empty file":             {fstest.MapFS{"de/verify.txt": file("\n")}, "de/verify.txt is empty"},
		"no subject":                {fstest.MapFS{"de/verify.txt": file("{{.Link}}")}, "de/verify.txt: the first line"},
		"a value of no mail":        {fstest.MapFS{"de/verify.txt": file("Subject: x\n\n{{.Password}}")}, "Password"},
		"a value of other mails":    {fstest.MapFS{"de/verify.html": file("{{.When}}")}, "When"},
		"syntax":                    {fstest.MapFS{"fr/reset.html": file("{{.Link")}, "fr/reset.html"},
		"no link":                   {fstest.MapFS{"de/reset.txt": file("Subject: x\n\nHallo\n")}, "de/reset.txt has no link"},
		"a link inside of a line":   {fstest.MapFS{"de/reset.txt": file("Subject: x\n\nHier: {{.Link}}\n")}, "alone on a line"},
		"no link in HTML":           {fstest.MapFS{"de/reset.html": file("<p>Hallo</p>")}, "de/reset.html has no link"},
		"a link that is not shown": {
			fstest.MapFS{"de/reset.html": file("{{if .Link}}<p>Hallo</p>{{end}}")}, "de/reset.html has no link to follow",
		},
		"no link that secures": {
			fstest.MapFS{"de/new_device.txt": file("Subject: x\n\nHallo\n")}, "de/new_device.txt has no link that secures",
		},
		"no link that secures, in HTML": {
			fstest.MapFS{"fr/password_changed.html": file("<p>Hallo</p>")}, "fr/password_changed.html has no link that secures",
		},
		"a layout with a fault": {fstest.MapFS{"layout.html": file("<p>{{.Title}}")}, "Title"},
	} {
		if _, err := NewTemplates("App", c.folder); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %q", name, err, c.says)
		}
	}
}
