package accounts_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/database"
	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// checkAddresses holds the law of addresses: each account has the one that its row says, and those that it can go back
// to, and nobody has another.
func checkAddresses(
	users []*ent.User, addresses []*ent.Address, tokens []*ent.OneTimeToken, now time.Time,
) (broken []string) {
	owners := map[string]uuid.UUID{}
	for _, a := range addresses {
		owners[a.ID] = a.UserID
	}
	for _, t := range tokens {
		if t.Purpose == "undo-email" && t.UsedAt == nil && t.ExpiresAt.After(now) && owners[t.Address] != t.UserID {
			broken = append(broken, fmt.Sprintf("%s can go back to %q, and it belongs to %s", t.UserID, t.Address, owners[t.Address]))
		}
	}
	for _, u := range users {
		if owners[u.Email] != u.ID {
			broken = append(broken, fmt.Sprintf("%s has the address %q, and it belongs to %s", u.ID, u.Email, owners[u.Email]))
		}
		delete(owners, u.Email)
	}
	for _, t := range tokens {
		if t.Purpose == "undo-email" && owners[t.Address] == t.UserID {
			delete(owners, t.Address)
		}
	}
	for address, owner := range owners {
		broken = append(broken, fmt.Sprintf("the address %q belongs to %s, who has another or is gone", address, owner))
	}
	return broken
}

// olderRegister creates an account as the version did that knew no table of addresses.
func (h *fixture) olderRegister(ctx context.Context, email string) (ok bool, err error) {
	now := h.clock.Now()
	err = h.db.Client.User.Create().SetID(uuid.Must(uuid.NewV7())).SetEmail(email).SetPasswordHash("$argon2id$v=19$").
		SetRoles([]string{"USER"}).SetStatus("ACTIVE").SetCreatedAt(now).SetUpdatedAt(now).
		OnConflictColumns(user.FieldEmail).DoNothing().Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) || database.Contended(err) {
		return false, nil
	}
	return err == nil, err
}

// TestAddresses_HaveOneAccountUnderAnyInterleaving: two instances, one of the version before and somebody with SQL take
// and leave few addresses. As many accounts of each were made as were deleted, and perhaps one more, which then has it.
// What Postgres rolls back in favour of another has changed nothing: three may wait for each other, where one of the
// version before registers while another deletes.
func TestAddresses_HaveOneAccountUnderAnyInterleaving(t *testing.T) {
	steps := 20
	switch {
	case testenv.Long("model"):
		steps = 400
	case testing.Short():
		steps = 10
	}
	eachDatabase(t, func(t *testing.T, h *fixture) {
		doors := [2]*fixture{h.otherPool(h.url), h.otherPool(h.url)}
		ctx := t.Context()
		var balance [3]atomic.Int64 // accounts made less those deleted
		address := func(n int) string { return fmt.Sprintf("a%d@example.com", n) }
		var taken atomic.Int64
		inParallel(6, func(i int) {
			door := doors[i%2]
			for range steps {
				n := rand.IntN(len(balance))
				switch rand.IntN(5) {
				case 0, 1:
					in := accounts.RegisterInput{Email: address(n), Password: goodPassword}
					switch _, err := door.Register(ctx, anonymous, in); {
					case err == nil:
						balance[n].Add(1)
					case problem.Is(err, problem.EmailTaken):
						taken.Add(1)
					case !database.Contended(err):
						t.Error(err)
					}
				case 2:
					p, err := door.Login(ctx, anonymous, accounts.LoginInput{Email: address(n), Password: goodPassword})
					if err != nil { // nobody has it, or an account of the version before
						continue
					}
					if _, err := door.DeleteAccount(ctx, p.Viewer); err == nil {
						balance[n].Add(-1)
					}
				case 3:
					ok, err := door.olderRegister(ctx, address(n))
					check(t, err)
					if ok {
						balance[n].Add(1)
					}
				case 4:
					gone, err := door.db.Client.User.Delete().Where(user.Email(address(n))).Exec(ctx)
					balance[n].Add(-int64(gone))
					if err != nil && !database.Contended(err) {
						t.Error(err)
					}
				}
			}
		})
		if taken.Load() == 0 {
			t.Error("no address was taken: this shows nothing")
		}
		for n := range balance {
			has := int64(h.db.Client.User.Query().Where(user.Email(address(n))).CountX(ctx))
			testenv.Equal(t, has, balance[n].Load(), "accounts of %s", address(n))
			_, err := h.register(address(n), goodPassword)
			if (has == 0) != (err == nil) {
				t.Errorf("%s has %d accounts, and registering it says %v", address(n), has, err)
			}
		}
	})
}

// TestAddresses_OlderInstanceRegistersBesideADeletion that has come as far as the user, and not to the address yet.
func TestAddresses_OlderInstanceRegistersBesideADeletion(t *testing.T) {
	h := newFixture(t, dbtest.Postgres(t))
	ctx := t.Context()
	must(h.olderRegister(ctx, ada))
	hold := must(h.raw.BeginTx(ctx, nil))
	defer hold.Rollback()
	must(hold.ExecContext(ctx, "SELECT 1 FROM addresses FOR UPDATE"))
	waiting := func(n int) {
		testenv.Eventually(t, fmt.Sprint(n, " wait"), testenv.HangGuard, func() (all bool) {
			check(t, h.raw.QueryRow("SELECT count(*) = $1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "+
				"datname = current_database()", n).Scan(&all))
			return all
		})
	}
	var both sync.WaitGroup
	both.Go(func() { must(h.db.Client.User.Delete().Exec(ctx)) })
	waiting(1)
	both.Go(func() {
		if ok, err := h.olderRegister(ctx, ada); !ok || err != nil {
			t.Errorf("registered: %v, %v", ok, err)
		}
	})
	waiting(2)
	check(t, hold.Rollback())
	both.Wait()
	wantProblem(t, "the address again", errOf(h.register(ada, goodPassword)), problem.EmailTaken, "")
}

// TestAddresses_FollowWhatIsDoneInSQL to users: an address that is changed there, an id, and all users together.
func TestAddresses_FollowWhatIsDoneInSQL(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		h.exec("UPDATE users SET email = 'eve@example.com'")
		h.must(h.login("eve@example.com", goodPassword))
		wantProblem(t, "the former address", errOf(h.login(ada, goodPassword)), problem.InvalidCredentials, "")
		wantProblem(t, "the address", errOf(h.register("eve@example.com", goodPassword)), problem.EmailTaken, "")
		h.must(h.register(ada, goodPassword))
		h.exec("DELETE FROM sessions")
		const id = "00000000-0000-7000-8000-000000000001"
		h.exec("UPDATE users SET id = '" + id + "' WHERE id = '" + p.User.ID.String() + "'")
		testenv.Equal(t, id, h.must(h.login("eve@example.com", goodPassword)).User.ID.String(), "the id")
		if h.onPostgres() {
			h.exec("TRUNCATE users CASCADE")
		} else {
			h.exec("DELETE FROM users")
		}
		testenv.Equal(t, 0, h.rows("addresses"), "addresses of nobody")
		h.payloads = nil
		h.must(h.register(ada, goodPassword))
	})
}
