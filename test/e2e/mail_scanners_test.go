package e2e

import (
	"database/sql"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/mail"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/web"
)

// TestMailScanners_ChangeNothing: programs that read mail before its reader does fetch what is in it, and some move the
// fragment into what they send. For each mutation that takes the token of a mail, whatever is fetched of that mail leaves
// every table as it is, and the token still works.
func TestMailScanners_ChangeNothing(t *testing.T) {
	t.Parallel()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: servertest.ReadFile(t, "schema.graphql")})
	servertest.Check(t, err)
	templates, err := mail.NewTemplates("Example", nil)
	servertest.Check(t, err)
	dbtest.Each(t, func(t *testing.T, url string) {
		secret := "GATEHOUSE_SECRET=" + formerSecret
		s := newPersonas(t, url, secret)
		pages := map[string]bool{}
		for _, f := range schema.Mutation.Fields {
			if mailed := mailedTokens[f.Name]; mailed != nil {
				a := newAudited(s)
				token := mailed(&links{s: s.Process, t: t}, a.ann)
				pages[a.wantUntouchedByScanners(schema, f, token)] = true
			}
		}
		a, mails, address := newAudited(s), servertest.Mailbox{}, servertest.NewAddress()
		s.Stop()
		s.Process = servertest.Start(t, "GATEHOUSE_DATABASE_URL="+url, s.key.Setting, secret,
			"GATEHOUSE_REGISTRATION=confirmed")
		testenv.Equal(t, "VERIFICATION_REQUIRED", s.Ask("", servertest.Registration(address)).Code(), "register")
		token := mails.Next(t, "register", address, s.Client).Token(t)
		pages[a.wantUntouchedByScanners(schema, schema.Mutation.Fields.ForName("verifyEmail"), token)] = true
		for _, page := range web.AccountPages {
			if slices.Contains(templates.Kinds(), mail.Kind(page)) && !pages[page] {
				t.Errorf("no mail leads to /account/%s here: say in mailedTokens how it is caused", page)
			}
		}
	})
}

// wantUntouchedByScanners fetches what is in the mail of a token, and then uses the token in a mutation. It returns the
// page that the mail leads to.
func (a *auditedCase) wantUntouchedByScanners(schema *ast.Schema, f *ast.FieldDefinition, token string) (page string) {
	a.t.Helper()
	m := mailOf(a.t, a.personas, token)
	a.waitForMails()
	use := a.fill("mutation { " + f.Name + servertest.Arguments(schema, f,
		a.values(map[string]string{"token": servertest.JSON(token)})) + leafOf(schema, f.Type) + " }")
	before := dumped(a.t, a.db)
	fetched := scan(a.Client, m, token, use)
	testenv.Equal(a.t, before, dumped(a.t, a.db), "%s: the database after what scanners fetch", f.Name)
	if fetched < 30 {
		a.t.Errorf("%s: only %d were fetched", f.Name, fetched)
	}
	a.Must("", use)
	if slices.Equal(before, dumped(a.t, a.db)) {
		a.t.Errorf("%s changes nothing that is compared", f.Name)
	}
	return path.Base(strings.SplitN(m.Links[0], "#", 2)[0])
}

func mailOf(t *testing.T, s *personas, token string) servertest.Mail {
	t.Helper()
	for _, m := range s.Inbox(t) {
		if strings.Contains(m.Text, token) {
			return m
		}
	}
	t.Fatalf("no mail has the token")
	return servertest.Mail{}
}

var (
	mailURL = regexp.MustCompile(`https?://[^\s"'<>]+`)
	pageURL = regexp.MustCompile(`(?:href|src|action)="([^"]*)"`)
)

// scan fetches each URL of both parts of a mail, what rewriting programs make of it, the mutation by GET, and what the
// pages lead to. It returns how many requests were answered.
func scan(c *servertest.Client, m servertest.Mail, token, mutation string) (fetched int) {
	seen := map[string]bool{}
	var fetch func(target string)
	fetch = func(target string) {
		if seen[target] || !strings.HasPrefix(target, c.URL) {
			return
		}
		seen[target] = true
		for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodOptions} {
			if a := c.Do(servertest.Request{Method: method, Path: target}); a.Err == nil {
				fetched++
				for _, found := range pageURL.FindAllStringSubmatch(a.Body, -1) {
					if to, err := url.Parse(target); err == nil {
						if to, err = to.Parse(html.UnescapeString(found[1])); err == nil {
							fetch(to.String())
						}
					}
				}
			}
		}
	}
	for _, link := range append(mailURL.FindAllString(m.Text, -1), mailURL.FindAllString(html.UnescapeString(m.HTML), -1)...) {
		page, fragment, _ := strings.Cut(link, "#")
		for _, target := range []string{
			link, page, page + "?" + fragment, page + "?token=" + token, page + "/" + token, page + "%23" + fragment,
			page + "/?" + fragment, page + "?url=" + url.QueryEscape(link), strings.ToLower(link), page + "?" + fragment + "&confirm=1",
			c.URL + "/graphql?query=" + url.QueryEscape(mutation), c.URL + "/graphql?token=" + token,
		} {
			fetch(target)
		}
	}
	return fetched
}

// dumped is every row of every table, but for what the server does by itself: it seals the audit log, sweeps the log of
// changes, and writes when sessions were last used a few seconds later.
func dumped(t *testing.T, db *sql.DB) (all []string) {
	t.Helper()
	for _, table := range dbtest.Tables(t, db) {
		if table == "audit_seals" || table == "changes" {
			continue
		}
		rows, err := db.Query(`SELECT * FROM "` + table + `"`)
		servertest.Check(t, err)
		names, err := rows.Columns()
		servertest.Check(t, err)
		for rows.Next() {
			values, into := make([]any, len(names)), make([]any, len(names))
			for i := range values {
				into[i] = &values[i]
			}
			servertest.Check(t, rows.Scan(into...))
			line := table
			for i, name := range names {
				if name != "last_used_at" && name != "ip" && name != "user_agent" || table != "sessions" {
					line += fmt.Sprintf(" %s=%q", name, fmt.Sprint(values[i]))
				}
			}
			all = append(all, line)
		}
		servertest.Check(t, rows.Err())
		rows.Close()
	}
	slices.Sort(all)
	return all
}
