package database_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func open(t testing.TB, url string) *database.Database {
	t.Helper()
	d := must(database.Open(t.Context(), database.Config{URL: url, Log: quiet}))
	t.Cleanup(func() { check(t, d.Close()) })
	return d
}

func migrated(t testing.TB, url string) *database.Database {
	t.Helper()
	d := open(t, url)
	must(d.Migrate(t.Context()))
	return d
}

func newUser(ctx context.Context, c *ent.Client, email string) (*ent.User, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return c.User.Create().SetID(uuid.Must(uuid.NewV7())).SetEmail(email).SetPasswordHash("$argon2id$").
		SetRoles([]string{"USER"}).SetStatus("ACTIVE").SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
}

func newSession(ctx context.Context, c *ent.Client, user uuid.UUID) (*ent.Session, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	return c.Session.Create().SetID(uuid.Must(uuid.NewV7())).SetUserID(user).SetRefreshDigest([]byte{0, 1, 0xff}).
		SetRefreshGeneration(1 << 40).SetAuthenticatedAt(now).SetAmr("pwd").SetCreatedAt(now).SetLastUsedAt(now).
		SetIdleExpiresAt(now.Add(time.Hour)).SetExpiresAt(now.Add(time.Hour)).Save(ctx)
}

func someSession(t *testing.T, d *database.Database) *ent.Session {
	t.Helper()
	user := must(newUser(t.Context(), d.Client, "ada@example.com"))
	return must(newSession(t.Context(), d.Client, user.ID))
}

// must returns a value without which a test cannot go on.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var check = testenv.Check
