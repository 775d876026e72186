package accounts_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/ent/job"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// unexported says of columns about a user why the export has them not.
var unexported = map[string]string{
	"users.password_hash":     "a secret",
	"sessions.refresh_digest": "a secret",
	"access_tokens.digest":    "a secret",
	"one_time_tokens.digest":  "a secret",
	"totp_factors.sealed":     "a secret",
	"recovery_codes.digest":   "a secret",
	"jobs.leased_by":          "names an instance",
	"revocations.id":          "a number",
	"revocations.user_id":     "minutes later it is gone; the audit log says which sessions have ended",
	"revocations.session_id":  "as above",
	"revocations.roles":       "as above",
	"revocations.at":          "as above",
	"revocations.until":       "as above",
	"erasures.id":             "is of accounts that are gone",
	"erasures.addresses":      "as above",
	"erasures.created_at":     "as above",
}

func (h *fixture) download(link string) (string, error) { return h.downloadAs(anonymous, link) }

func (h *fixture) downloadAs(v *viewer.Viewer, link string) (string, error) {
	p, err := h.DownloadMyData(h.t.Context(), v, accounts.DownloadMyDataInput{Token: link})
	if err != nil {
		return "", err
	}
	return p.JSON, nil
}

// exportLink asks for an export, and returns the token of its mail, whose job stays.
func (h *fixture) exportLink(v *viewer.Viewer) string {
	h.t.Helper()
	must(h.ExportMyData(h.asVictim(v), v))
	j := h.db.Client.Job.Query().Where(job.ArgsContains(`"kind":"export"`)).OnlyX(h.t.Context())
	return must(h.Letter(h.t.Context(), j.ID, j.Args)).Token
}

// crossed is another user, who has the victim's addresses in the place of a name, and returns what is theirs alone.
func (h *fixture) crossed(p *accounts.AuthPayload) map[string][]string {
	h.t.Helper()
	before := h.dump()
	must(h.RequestPasswordReset(h.t.Context(), at("192.0.2.99"), accounts.RequestPasswordResetInput{Email: p.User.Email}))
	check(h.t, errOf(h.loginAt(at("192.0.2.99"), p.User.Email, goodPassword))) // of which a notice tells
	return h.dump().told(before)
}

// TestDownloadMyData_HasEachColumnAboutTheUserAndNoOther: each value that tells who they are, and each other column that
// belongs to it; and nothing that only other users have, who act on them, or have their address for a name.
func TestDownloadMyData_HasEachColumnAboutTheUserAndNoOther(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		root, bob := h.administrator("root@example.com").Viewer, h.verified("bob@example.com")
		check(t, h.setRoles(root, root.UserID, accounts.RoleAdmin, accounts.RoleUser))
		check(t, h.rename(bob.Viewer, victim.second))
		others := h.dump().told(dumped{})
		before := h.dump()
		v := h.live(root)
		found := h.dump().told(before)
		check(t, h.inviteUser(v, "invited@example.com"))
		others["of whom the user has invited"] = []string{"invited@example.com"}
		for c, values := range h.crossed(bob) {
			others[c] = append(others[c], values...)
		}
		text := must(h.downloadAs(v, h.exportLink(v)))
		has := func(value string) bool {
			quoted := string(must(json.Marshal(value)))
			return strings.Contains(text, value) || strings.Contains(text, quoted[1:len(quoted)-1])
		}
		for c, values := range found {
			for _, value := range values {
				if why := unexported[c]; why == "" && !has(value) || why == "a secret" && has(value) {
					t.Errorf("%q of %s is in the export: %v", value, c, why != "")
				}
			}
		}
		for c, values := range others {
			for _, value := range values {
				if c != "audit_events.before" && c != "audit_events.after" && value != victim.second && has(value) {
					t.Errorf("%q of %s, which is of another user, is in the export", value, c)
				}
			}
		}
		wantColumns(t, text)
		testenv.Equal(t, 1, h.count(accounts.DataExported), "events of the download")
	})
}

// wantColumns fails when a column about users is in no row of an export and not in unexported.
func wantColumns(t *testing.T, text string) {
	t.Helper()
	var tables map[string]json.RawMessage
	check(t, json.Unmarshal([]byte(text), &tables))
	for table, all := range columns {
		var rows []map[string]any
		if tables[table] != nil {
			check(t, json.Unmarshal(tables[table], &rows))
		}
		has := map[string]bool{}
		for _, row := range rows {
			for c := range row {
				has[c] = true
			}
		}
		for c, what := range all {
			about := what == telling || what == withRow
			if want := about && unexported[table+"."+c] == ""; want && !has[c] {
				t.Errorf("%s.%s is not in the export: say in unexported why", table, c)
			} else if about && !want && has[c] {
				t.Errorf("%s.%s is in the export", table, c)
			}
		}
	}
	for c := range unexported {
		if table, column, _ := strings.Cut(c, "."); columns[table][column] == "" {
			t.Errorf("there is no %s", c)
		}
	}
}

// TestDownloadMyData_LinkEnds with all that may show that another person has asked for it.
func TestDownloadMyData_LinkEnds(t *testing.T) {
	for name, c := range map[string]struct {
		reason string
		spoil  func(h *fixture, p *accounts.AuthPayload, link string)
	}{
		"nothing": {"", func(*fixture, *accounts.AuthPayload, string) {}},
		"used":    {"used", func(h *fixture, _ *accounts.AuthPayload, link string) { must(h.download(link)) }},
		"replaced": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			must(h.ExportMyData(h.t.Context(), p.Viewer))
		}},
		"another password": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			check(h.t, errOf(h.changePassword(p.Viewer, goodPassword, otherPassword)))
		}},
		"a reset": {"expired", func(h *fixture, _ *accounts.AuthPayload, _ string) {
			h.must(h.resetPassword(h.resetLink(ada), otherPassword))
		}},
		"reset by the operator": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			must(h.ResetAccount(h.t.Context(), p.User, otherPassword, false))
		}},
		"moved there and back": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			h.moved(p, ada, ada2)
			h.moved(p, ada2, ada)
		}},
		"moved without the link's end": {"revoked", func(h *fixture, p *accounts.AuthPayload, _ string) {
			h.exec("UPDATE users SET email = '" + ada2 + "'")
		}},
		"its session revoked": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			must(h.RevokeOtherSessions(h.t.Context(), h.must(h.login(ada, goodPassword)).Viewer))
		}},
		"suspended": {"revoked", func(h *fixture, p *accounts.AuthPayload, _ string) { h.suspend(p.User.ID) }},
		"deleted": {"revoked", func(h *fixture, p *accounts.AuthPayload, _ string) {
			must(h.DeleteAccount(h.t.Context(), p.Viewer))
		}},
		"deleted, and had again": {"expired", func(h *fixture, p *accounts.AuthPayload, _ string) {
			must(h.DeleteAccount(h.t.Context(), p.Viewer))
			h.must(h.login(ada, goodPassword))
		}},
		"a day": {"expired", func(h *fixture, _ *accounts.AuthPayload, _ string) { h.clock.move(24 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			eachWithGrace(t, func(t *testing.T, h *fixture) {
				p := h.verified(ada)
				must(h.ExportMyData(t.Context(), p.Viewer))
				link := h.letter(accounts.MailExport, ada)
				testenv.Equal(t, "", link.Code, "the code")
				c.spoil(h, p, link.Token)
				if text, err := h.download(link.Token); c.reason == "" {
					check(t, err)
				} else {
					wantRefused(t, name, c.reason, err)
					testenv.Equal(t, "", text, "what a refused link gives")
				}
				wantRefused(t, "a token that nobody made", "unknown", errOf(h.download("x")))
			})
		})
	}
}

// TestDownloadMyData_HasTheNewestEvents, and says how many it leaves out.
func TestDownloadMyData_HasTheNewestEvents(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		others := h.rows("audit_events") + 1 // of the registration, and of the request
		id := "'00000000-0000-7000-8000-' || (100000000000 + n)"
		if h.onPostgres() {
			id = "CAST(" + id + " AS uuid)"
		}
		h.exec(fmt.Sprintf(`INSERT INTO audit_events (id, kind, actor, omitted, user_id) WITH RECURSIVE t(n) AS
			(SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 10003) SELECT %s, 'signed_in', 'USER', n, '%s' FROM t`, id, p.User.ID))
		if h.onPostgres() {
			h.exec("ANALYZE audit_events")
		}
		must(h.ExportMyData(t.Context(), p.Viewer))
		var got struct {
			Events []struct{ Omitted int } `json:"audit_events"`
			Left   int                     `json:"audit_events_left_out"`
		}
		check(t, json.Unmarshal([]byte(must(h.download(h.letter(accounts.MailExport, ada).Token))), &got))
		n := len(got.Events)
		testenv.Equal(t, []int{10_000, 3 + others, 10_003, 4 + others}, []int{n, got.Left, got.Events[others].Omitted,
			got.Events[n-1].Omitted}, "events, those left out, the newest of many, the oldest")
	})
}

// TestDownloadMyData_ReadsOutsideTheTransaction: on SQLite nobody else would write meanwhile.
func TestDownloadMyData_ReadsOutsideTheTransaction(t *testing.T) {
	eachThrottled(t, func(t *testing.T, h *fixture) {
		link := h.exportLink(h.verified(ada).Viewer)
		h, m := h.metered()
		sent := m.count(func() { must(h.download(link)) })
		begin, read := slices.Index(sent, "BEGIN"), 0
		for i, statement := range sent {
			if !strings.Contains(statement, "audit_events") || !strings.HasPrefix(statement, "SELECT") {
				continue
			}
			if read++; i > begin {
				t.Errorf("in the transaction: %s", statement)
			}
		}
		if read == 0 || begin < 0 {
			t.Errorf("%d reads of the audit log; the transaction is %d of %d statements", read, begin, len(sent))
		}
	})
}
