package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/throttle"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// knownNetworks keeps in the database which networks are known for which account. It does so on SQLite too, where
// attempts are counted in memory: a command in another process must be able to make the server forget a network.
type knownNetworks struct{ client *ent.Client }

// until returns how long a network stays known; zero when it is not.
func (k knownNetworks) until(ctx context.Context, network uuid.UUID) (time.Time, error) {
	if network == uuid.Nil {
		return time.Time{}, nil
	}
	row, err := k.client.Throttle.Get(ctx, network)
	if ent.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return row.Until, nil
}

// remember is called under the lock of the user's row, so no two write the networks of one account at the same time.
func (k knownNetworks) remember(ctx context.Context, tx *transaction, t *attempt) error {
	if err := k.add(ctx, tx, t); err != nil || !t.knownUntil.IsZero() {
		return err
	}
	surplus, err := tx.Throttle.Query().Where(throttle.Account(t.account)).
		Order(ent.Desc(throttle.FieldUntil), ent.Desc(throttle.FieldID)).Offset(maxNetworks).IDs(ctx)
	if err != nil || len(surplus) == 0 {
		return err
	}
	_, err = tx.Throttle.Delete().Where(throttle.IDIn(surplus...)).Exec(ctx)
	return err
}

func (knownNetworks) add(ctx context.Context, tx *transaction, t *attempt) error {
	return tx.Throttle.Create().SetID(t.network).SetAccount(t.account).SetAt(t.now).SetUntil(t.now.Add(networkTTL)).
		OnConflictColumns(throttle.FieldID).UpdateNewValues().Exec(ctx)
}

// deleteExpired is for SQLite; sqlStore deletes these rows with its own.
func (k knownNetworks) deleteExpired(ctx context.Context, now time.Time) error {
	_, err := k.client.Throttle.Delete().Where(throttle.UntilLTE(now)).Exec(ctx)
	return err
}

// forgetNetworks makes no network known for the account of an address. A network is known because of a sign-in, and
// worth no more than the password of it. Every use case that sets a password, or takes the use of it away, calls this
// under the lock of the user's row.
func (s *Service) forgetNetworks(ctx context.Context, tx *transaction, address string) error {
	if s.throttle == nil {
		return nil
	}
	_, err := tx.Throttle.Delete().Where(throttle.Account(s.throttle.networksOf(address))).Exec(ctx)
	return err
}

// replaceNetworks makes the network of a caller who has just set the password the only known one.
func (s *Service) replaceNetworks(
	ctx context.Context, tx *transaction, address string, from viewer.Origin, now time.Time,
) error {
	if err := s.forgetNetworks(ctx, tx, address); err != nil {
		return err
	}
	if t := s.throttle.login(address, from, now); t != nil && t.network != uuid.Nil {
		return s.throttle.networks.add(ctx, tx, t)
	}
	return nil
}
