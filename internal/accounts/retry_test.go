package accounts_test

import (
	"testing"

	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/problem"
)

// TestRetry_LoginAfterAPasswordChangeIsRefused: the try that was rolled back had its tokens ready.
func TestRetry_LoginAfterAPasswordChangeIsRefused(t *testing.T) {
	h := newFixture(t, dbtest.Postgres(t))
	h.must(h.register(ada, goodPassword))
	other := h.must(h.register("other@example.com", otherPassword))
	hash := h.db.Client.User.GetX(t.Context(), other.User.ID).PasswordHash
	for _, s := range []string{
		"CREATE SEQUENCE tries",
		`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
			IF nextval(''tries'') = 1 THEN RAISE EXCEPTION USING ERRCODE = ''40001''; END IF; RETURN NEW; END'`,
		"CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON sessions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
	} {
		must(h.raw.Exec(s))
	}
	gaveWay := false
	h = h.instance(func(c *accounts.Config) {
		c.IsRetryable = func(err error) bool {
			if database.Contended(err) {
				gaveWay = true
				h.db.Client.User.Update().Where(user.Email(ada)).SetPasswordHash(hash).ExecX(t.Context())
			}
			return database.Contended(err)
		}
	})
	wantProblem(t, "login", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
	if !gaveWay {
		t.Error("it never gave way")
	}
}
