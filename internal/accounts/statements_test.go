package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// meter is Ent's driver with a hand on it: it counts what is sent to the database, BEGIN and COMMIT too, and can stop
// before any of it.
type meter struct {
	dialect.Driver
	mu     sync.Mutex
	seen   []string
	before func(number int, statement string) error // an error is answered in the database's place
	after  func(error) error                        // how an error of the database reads

	meanwhile func() // what happens between a query and the reading of its answer
}

// metered returns an instance whose statements are counted.
func (h *fixture) metered() (*fixture, *meter) {
	h.t.Helper()
	name := dialect.Postgres
	if _, ok := database.SQLitePath(h.url); ok {
		name = dialect.SQLite
	}
	m := &meter{Driver: entsql.OpenDB(name, openRaw(h.t, h.url))}
	return h.instance(func(c *accounts.Config) { c.Client = ent.NewClient(ent.Driver(m)) }), m
}

// count returns what f sends.
func (m *meter) count(f func()) []string {
	m.mu.Lock()
	m.seen = nil
	m.mu.Unlock()
	f()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}

func (m *meter) note(statement string) error {
	m.mu.Lock()
	m.seen = append(m.seen, statement)
	number, before := len(m.seen), m.before
	m.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(number, statement)
}

func (m *meter) read(err error) error {
	if err != nil && m.after != nil {
		return m.after(err)
	}
	return err
}

func (m *meter) Exec(ctx context.Context, query string, args, v any) error {
	if err := m.note(query); err != nil {
		return err
	}
	return m.read(m.Driver.Exec(ctx, query, args, v))
}

func (m *meter) Query(ctx context.Context, query string, args, v any) error {
	if err := m.note(query); err != nil {
		return err
	}
	err := m.read(m.Driver.Query(ctx, query, args, v))
	if m.meanwhile != nil {
		m.meanwhile()
	}
	return err
}

// ExecContext is how a statement is sent that is not Ent's.
func (m *meter) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := m.note(query); err != nil {
		return nil, err
	}
	return m.Driver.(execer).ExecContext(ctx, query, args...)
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (m *meter) Tx(ctx context.Context) (dialect.Tx, error) {
	if err := m.note("BEGIN"); err != nil {
		return nil, err
	}
	tx, err := m.Driver.Tx(ctx)
	return meteredTx{tx, m}, err
}

type meteredTx struct {
	dialect.Tx
	meter *meter
}

func (t meteredTx) Exec(ctx context.Context, query string, args, v any) error {
	if err := t.meter.note(query); err != nil {
		return err
	}
	return t.meter.read(t.Tx.Exec(ctx, query, args, v))
}

func (t meteredTx) Query(ctx context.Context, query string, args, v any) error {
	if err := t.meter.note(query); err != nil {
		return err
	}
	return t.meter.read(t.Tx.Query(ctx, query, args, v))
}

func (t meteredTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := t.meter.note(query); err != nil {
		return nil, err
	}
	return t.Tx.(execer).ExecContext(ctx, query, args...)
}

func (t meteredTx) Commit() error {
	if err := t.meter.note("COMMIT"); err != nil {
		return errors.Join(err, t.Tx.Rollback()) // as a server does that ends in this moment
	}
	return t.Tx.Commit()
}

func TestLogin_UnknownAddressCostsTheStatementsOfAWrongPassword(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		suspended := h.must(h.register("suspended@example.com", goodPassword))
		h.suspend(suspended.User.ID)
		h, m := h.metered()
		for _, c := range []struct {
			pw, asAdas string // which is wrong
			statements int
		}{{otherPassword, otherPassword, 1}, {goodPassword, otherPassword, 1}, {"", "", 0}, {"\x00", "\x00", 0},
			{strings.Repeat("x", 1000), strings.Repeat("x", 1000), 0}} {
			wrong := m.count(func() { h.login(ada, c.asAdas) })
			testenv.Equal(t, c.statements, len(wrong), "statements of a wrong password:\n%s", strings.Join(wrong, "\n"))
			for _, address := range []string{"unknown@example.com", "no address", "", "a@b@c", "\x00@example.com", "suspended@example.com"} {
				var err error
				got := m.count(func() { _, err = h.login(address, c.pw) })
				wantProblem(t, address, err, problem.InvalidCredentials, "")
				if strings.Join(got, "\n") != strings.Join(wrong, "\n") {
					t.Errorf("%q costs:\n%s\na wrong password costs:\n%s", address, strings.Join(got, "\n"),
						strings.Join(wrong, "\n"))
				}
			}
		}
	})
}

func TestRefusals_OfBadInputCostNoStatement(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		v := h.caller(p)
		foreign := must(refreshTokens(t, "another-secret-of-36-bytes-in-length").New(p.User.ID, p.Viewer.SessionID))
		h, m := h.metered()
		cases := map[string]func() error{
			"forged refresh token":  func() error { return errOf(h.exchange(foreign.Text())) },
			"garbage":               func() error { return errOf(h.exchange(strings.Repeat("A", 112))) },
			"access token":          func() error { return errOf(h.exchange(p.AccessToken)) },
			"no refresh token":      func() error { return errOf(h.Refresh(t.Context(), anonymous, accounts.RefreshInput{})) },
			"register: bad address": func() error { return errOf(h.register("ada", goodPassword)) },
			"register: bad pass":    func() error { return errOf(h.register(ada, "short")) },
			"bad name": func() error {
				return errOf(h.UpdateProfile(t.Context(), v, accounts.ProfileChange{Name: ptr(ptr(""))}))
			},
		}
		for name, do := range cases {
			var err error
			if got := m.count(func() { err = do() }); len(got) != 0 || err == nil {
				t.Errorf("%s: %v after %d statements: %q", name, err, len(got), got)
			}
		}
		for name, do := range map[string]func() error{ // the twins
			"refresh":  func() error { return errOf(h.exchange(*p.RefreshToken)) },
			"register": func() error { return errOf(h.register("eve@example.com", goodPassword)) },
		} {
			var err error
			if got := m.count(func() { err = do() }); len(got) == 0 || err != nil {
				t.Errorf("%s: %v after %d statements", name, err, len(got))
			}
		}
	})
}

// TestUseCases_StatementsOfEach pins what each use case costs, so that a change is seen.
func TestUseCases_StatementsOfEach(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h, m := h.metered()
		var p *accounts.AuthPayload
		var v *viewer.Viewer
		for _, c := range []struct {
			name string
			want int
			do   func()
		}{
			{"register: begin, address, user, sessions, session, invitations, events, commit", 8,
				func() { p = h.must(h.register(ada, goodPassword)) }},
			{"login: read, begin, hold the user, sessions, session, event, commit", 7,
				func() { p = h.must(h.login(ada, goodPassword)) }},
			{"viewer: read", 1, func() { v = h.caller(p) }},
			{"me: read", 1, func() { h.Me(t.Context(), v) }},
			{"refresh: begin, move on, read session and user, commit", 5,
				func() { h.must(h.exchange(*p.RefreshToken)) }},
			{"update: begin, hold the user, hold the session, write, read it, event, commit", 7,
				func() { h.rename(v, "Ada") }},
			{"logout: begin, read, end, record, event, commit", 6, func() { h.Logout(t.Context(), v, "") }},
		} {
			got := m.count(c.do)
			testenv.Equal(t, c.want, len(got), "statements of %s:\n%s", c.name, strings.Join(got, "\n"))
			namesUser(t, got)
		}
	})
}

var errInjected = errors.New("the database went away")

// TestUseCases_FailureAtAnyStatementChangesNothing: the use case answers the failure and the next try
// succeeds, as if the first had not been.
func TestUseCases_FailureAtAnyStatementChangesNothing(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		m := h.must(h.register("metered@example.com", goodPassword))
		link, plain := h.resetLink("metered@example.com"), h
		root := h.administrator("root@example.com").Viewer
		invitation := h.invitation(root, "a@example.com", accounts.RoleUser, accounts.RoleAdmin)
		h, meter := h.metered()
		cases := map[string]func(i int) error{
			"requestPasswordReset": func(int) error { return h.requestReset("unknown@example.com") },
			"resetPassword": func(int) error {
				p, err := h.resetPassword(link, goodPassword)
				if err == nil {
					m, link = p, plain.resetLink("metered@example.com")
				}
				return err
			},
			"inviteUser": func(i int) error {
				defer plain.letters()
				return h.inviteUser(root, fmt.Sprintf("i%d@example.com", i))
			},
			"acceptInvitation": func(i int) error {
				p, err := h.accept(invitation)
				if err == nil {
					invitation = plain.invitation(p.Viewer, fmt.Sprintf("a%d@example.com", i), accounts.RoleUser, accounts.RoleAdmin)
				}
				return err
			},
			"register": func(i int) error { return errOf(h.register(fmt.Sprintf("u%d@example.com", i), goodPassword)) },
			"login":    func(int) error { return errOf(h.login("metered@example.com", goodPassword)) },
			"refresh": func(int) error {
				p, err := h.exchange(*m.RefreshToken)
				if err == nil {
					m = p
				}
				return err
			},
			"update": func(i int) error {
				return errOf(h.UpdateProfile(t.Context(), m.Viewer,
					accounts.ProfileChange{Name: ptr(ptr(fmt.Sprint("name ", i)))}))
			},
		}
		for name, do := range cases {
			for failing := 1; ; failing++ {
				before := rowsOf(t, h)
				meter.before = func(number int, _ string) error {
					if number == failing {
						return errInjected
					}
					return nil
				}
				var err error
				sent := meter.count(func() { err = do(failing) })
				meter.before = nil
				if len(sent) < failing { // past the last statement
					check(t, err)
					break
				}
				var p *problem.Problem
				if !errors.Is(err, errInjected) || errors.As(err, &p) {
					t.Errorf("%s: statement %d failed, and the answer is %v", name, failing, err)
				}
				if after := rowsOf(t, h); after != before {
					t.Errorf("%s: statement %d failed, and the tables changed\nfrom %s\nto   %s", name, failing,
						before, after)
				}
				if err := do(failing); err != nil {
					t.Errorf("%s: after statement %d failed once: %v", name, failing, err)
				}
			}
		}
	})
}

// rowsOf is every value of every table, to compare.
func rowsOf(t *testing.T, h *fixture) string {
	t.Helper()
	dump := must(dumpAll(t.Context(), h.raw))
	return fmt.Sprintf("%q", dump) // fmt prints maps in the order of their keys
}

// foreign is a server's refusal in its own language: lc_messages decides about the text, and not about the code.
type foreign struct{ error }

func (f foreign) Error() string { return "doppelter Schlüsselwert verletzt Unique-Constraint" }
func (f foreign) Unwrap() error { return f.error }

func TestRegister_AddressIsTakenInEveryServerLanguage(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		h, m := h.metered()
		m.after = func(err error) error { return foreign{err} }
		wantProblem(t, "taken", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
		h.must(h.register("eve@example.com", goodPassword))
	})
}
