package config

import (
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MailServer is what GATEHOUSE_SMTP_URL says.
type MailServer struct {
	Host           string // "": there is none
	Port           int
	TLS            bool // from the beginning
	User, Password string
}

// maxAppNameLen is the longest name of the product, in letters: subjects have it.
const maxAppNameLen = 60

func (c *Config) checkMail(all *faults) {
	if c.SMTPURL != "" && !c.setMailServer() {
		all.add("GATEHOUSE_SMTP_URL", "is neither smtp://USER:PASSWORD@HOST:587 nor smtps://USER:PASSWORD@HOST:465; write what "+
			"is neither a letter nor a digit of the user and the password as %%XX, such as %%40 for @")
	}
	if c.SMTPURL != "" && c.MailFrom == "" {
		all.add("GATEHOUSE_MAIL_FROM", "is required with GATEHOUSE_SMTP_URL; give the address that mails are from, such as "+
			"accounts@example.com")
	}
	if c.MailFrom != "" {
		from, err := mail.ParseAddress(c.MailFrom)
		if err != nil || !strings.Contains(from.Address[strings.LastIndexByte(from.Address, '@'):], ".") {
			all.add("GATEHOUSE_MAIL_FROM", "%q is neither accounts@example.com nor Name <accounts@example.com>", c.MailFrom)
		} else {
			c.From = *from
		}
	}
	if n := utf8.RuneCountInString(c.AppName); n > maxAppNameLen {
		all.add("GATEHOUSE_APP_NAME", "has %d letters; subjects have room for %d", n, maxAppNameLen)
	}
	switch {
	case !slices.Contains([]string{"open", "confirmed", "closed"}, c.Registration):
		all.add("GATEHOUSE_REGISTRATION", "%q is not open, confirmed or closed", c.Registration)
	case c.Registration == "confirmed" && c.SMTPURL == "" && !c.ShowInbox():
		all.add("GATEHOUSE_REGISTRATION", "confirmed needs mail; set GATEHOUSE_SMTP_URL and GATEHOUSE_MAIL_FROM")
	}
	if c.AccountURL != "" && !isIssuer(c.AccountURL) {
		all.add("GATEHOUSE_ACCOUNT_URL", "%q is not an http or https address without user, query and fragment", c.AccountURL)
	}
}

// setMailServer reports whether the URL is one of a mail server.
func (c *Config) setMailServer() bool {
	u, err := url.Parse(c.SMTPURL)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" ||
		strings.ContainsAny(c.SMTPURL, "?#") {
		return false
	}
	server := MailServer{Host: u.Hostname(), Port: 587, TLS: u.Scheme == "smtps", User: u.User.Username()}
	if server.TLS {
		server.Port = 465
	}
	if port := u.Port(); port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return false
		}
		server.Port = int(number)
	}
	server.Password, _ = u.User.Password()
	c.MailServer = server
	return (server.User == "") == (server.Password == "")
}

// ShowInbox reports whether mails go to the page /inbox: no mail server is configured, and nobody but this machine
// reaches the listener.
func (c *Config) ShowInbox() bool { return c.SMTPURL == "" && c.Loopback() && !c.MayBeProxied() }
