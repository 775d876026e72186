// Package mail makes messages from templates in the language of their reader, and sends them: by SMTP, or in development
// into an inbox in memory. It knows no accounts, tables or jobs, and imports nothing of ours.
package mail

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind names a mail. Its templates are LANGUAGE/KIND.txt and LANGUAGE/KIND.html.
type Kind string

// The kinds. Each has its templates in every language of the folder templates. Its message needs the values that its
// English text names outside of with.
const (
	Verify           Kind = "verify"
	Reset            Kind = "reset"
	ChangeEmail      Kind = "change-email" // to the new address
	UndoEmail        Kind = "undo-email"   // to the former address, after the change
	Invitation       Kind = "invitation"
	Export           Kind = "export"     // of what is stored about a user
	Register         Kind = "register"   // makes an account
	Registered       Kind = "registered" // there is an account with the address that somebody registered
	NewDevice        Kind = "new_device"
	AccessToken      Kind = "access_token_created" // a personal one
	PasswordChanged  Kind = "password_changed"
	EmailChanged     Kind = "email_changed" // to the address that an undo took away
	AccountSuspended Kind = "account_suspended"
	AccountDeleted   Kind = "account_deleted"
	AccountLeaving   Kind = "account_leaving" // deleted by its owner, who can have it again
	AccountRestored  Kind = "account_restored"

	FactorAdded           Kind = "factor_added"
	FactorRemoved         Kind = "factor_removed"
	RecoveryCodesReplaced Kind = "recovery_codes_replaced"
	RecoveryCodeUsed      Kind = "recovery_code_used"
	PasskeyCloned         Kind = "passkey_cloned"

	Test Kind = "test"
)

// Message is one mail before it is written out.
type Message struct {
	ID     string // of its cause: a message that is sent again has the same Message-ID
	Kind   Kind
	To     string // one address, without a name
	Locale string // a language tag, or several as in Accept-Language; English when no language of ours matches
	Data   Data
}

// Data are the values that templates may name, beside App and To.
type Data struct {
	Name    string    // of the user
	Link    string    // with its token
	Secure  string    // the link of a notice, with its token; "" when there is nothing to secure
	Code    string    // that does what the link does
	Email   string    // the other address of a change
	Expires time.Time // of the link and the code
	When    time.Time // of the event
	Where   string    // the network address that it came from
	Device  string    // the User-Agent that it came from
}

// Sender sends messages. An error for which IsPermanent holds will be the same at each further try.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Content is a message in a language.
type Content struct{ Language, Subject, Text, HTML string }

// values are what the templates of a message may name. A value that a message must have is missing from the map when it
// is not there, and naming it is an error.
func (m Message) values(app string) map[string]string {
	all := map[string]string{
		"App": app, "To": line(m.To), "Name": greeted(m.Data.Name),
		"Code": line(m.Data.Code), "Where": line(m.Data.Where), "Device": device(m.Data.Device),
		"Secure": line(m.Data.Secure),
	}
	for name, value := range map[string]string{
		"Link": line(m.Data.Link), "Email": line(m.Data.Email), "Expires": stamp(m.Data.Expires), "When": stamp(m.Data.When),
	} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// stamp writes a time in the one form that all languages read alike.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// line removes what could begin another line or change the direction of the text behind it.
func line(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d' { // which some scripts need
			return -1
		}
		return r
	}, text)
}

// The longest name by which a user is greeted, in letters and in words, and the longest word with a dot.
const (
	maxGreetedLen   = 60
	maxGreetedWords = 5
	maxAbbreviation = 4
)

// greeted returns a name if it is one to greet by. Its account may be in other hands than its mailbox: what could be taken
// for a link, a number or a sentence is left out.
func greeted(name string) string {
	name = strings.TrimSpace(line(name))
	if utf8.RuneCountInString(name) > maxGreetedLen || strings.Count(name, " ") >= maxGreetedWords {
		return ""
	}
	former, letters := ' ', 0
	for _, r := range name {
		letter := unicode.In(r, unicode.L, unicode.M) || r == '\u200c' || r == '\u200d'
		if former == '.' && r != ' ' || !letter && !strings.ContainsRune(" .-'’", r) || r == '.' && letters > maxAbbreviation {
			return ""
		}
		if letters++; !letter {
			letters = 0
		}
		former = r
	}
	return name
}

// devices are words of a User-Agent with what readers call it, the first match of each list.
var devices = [][][2]string{
	{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"FxiOS", "Firefox"}, {"CriOS", "Chrome"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	},
	{
		{"Windows", "Windows"}, {"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"CrOS", "ChromeOS"},
		{"Mac OS X", "macOS"}, {"Linux", "Linux"},
	},
}

// device names the browser and the system of a User-Agent that is known. Another one is left out: its sender has chosen
// the text, and may be whom the mail warns of.
func device(userAgent string) string {
	var found []string
	for _, list := range devices {
		for _, d := range list {
			if strings.Contains(userAgent, d[0]) {
				found = append(found, d[1])
				break
			}
		}
	}
	return strings.Join(found, ", ")
}
