package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/signingkey"
	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// KeyLead is how long a key is published before it signs. Services cache the key set for five minutes, and
	// instances read the keys every few seconds.
	KeyLead = 10 * time.Minute
	// deleteAfter is how long after its end a key is deleted: a clock that is ahead must not delete what others use.
	deleteAfter = 24 * time.Hour
)

// ErrRotationPending means that there is a new key already, which does not sign yet.
var ErrRotationPending = errors.New("the keys have just been rotated")

// KeysConfig configures SigningKeys.
type KeysConfig struct {
	Client      *ent.Client      // required
	Secrets     *token.Secrets   // required: seal the keys
	TTL         time.Duration    // required: what the function MaxTokenTTL returned; it may have grown since
	RotateEvery time.Duration    // default 0, never: how long a key signs before Maintain rotates
	Clock       func() time.Time // default time.Now

	OnEvent func(context.Context, Event) // called after each rotation; default: nothing
}

// SigningKeys stores the keys that sign access tokens in the database, sealed with the secret. A new key is published
// before it signs. The one before it verifies until the last token that it signed has expired, and is deleted a day
// later. One that is revoked is deleted, so that no clock decides whether it verifies.
type SigningKeys struct{ config KeysConfig }

// NewSigningKeys checks the configuration.
func NewSigningKeys(c KeysConfig) (*SigningKeys, error) {
	if c.Client == nil || c.Secrets == nil || c.TTL <= 0 {
		return nil, errors.New("accounts: Client, Secrets and TTL are required to keep signing keys")
	}
	if c.RotateEvery != 0 && c.RotateEvery < 2*KeyLead {
		return nil, fmt.Errorf("accounts: a key must sign for at least %v, and not for %v: it is published %v before",
			2*KeyLead, c.RotateEvery, KeyLead)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.OnEvent == nil {
		c.OnEvent = func(context.Context, Event) {}
	}
	return &SigningKeys{c}, nil
}

func (k *SigningKeys) now() time.Time { return k.config.Clock().UTC().Truncate(time.Microsecond) }

// Load returns the schedule of the keys that have not ended, and creates the first key. Instances that start
// simultaneously get the same one: the sequence number is unique.
func (k *SigningKeys) Load(ctx context.Context) ([]token.Scheduled, error) {
	rows, err := k.rows(ctx, k.config.Client.SigningKey)
	if err == nil && len(rows) == 0 {
		if err := k.makeFirst(ctx); err != nil {
			return nil, fmt.Errorf("creating the first signing key: %w", err)
		}
		rows, err = k.rows(ctx, k.config.Client.SigningKey)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the signing keys: %w", err)
	}
	schedule := make([]token.Scheduled, len(rows))
	for i, row := range rows {
		if schedule[i], err = k.open(row); err != nil {
			return nil, err
		}
	}
	return schedule, nil
}

// rows returns the keys that have not ended, oldest first.
func (k *SigningKeys) rows(ctx context.Context, keys *ent.SigningKeyClient) ([]*ent.SigningKey, error) {
	return keys.Query().
		Where(signingkey.Or(signingkey.EndsAtIsNil(), signingkey.EndsAtGT(k.now()))).
		Order(ent.Asc(signingkey.FieldSequence)).All(ctx)
}

func (k *SigningKeys) open(row *ent.SigningKey) (token.Scheduled, error) {
	der, err := k.config.Secrets.Open(token.SigningKeyPurpose, row.Sealed)
	if err != nil {
		return token.Scheduled{}, fmt.Errorf("opening the signing key %s: %w", row.ID, err)
	}
	key, err := token.UnmarshalKey(der)
	if err != nil {
		return token.Scheduled{}, err
	}
	if key.ID() != row.ID {
		return token.Scheduled{}, fmt.Errorf("the signing key %s is stored under the id %s", key.ID(), row.ID)
	}
	s := token.Scheduled{Key: key, SignsAt: row.SignsAt.UTC()}
	if row.EndsAt != nil {
		s.EndsAt = row.EndsAt.UTC()
	}
	return s, nil
}

func (k *SigningKeys) makeFirst(ctx context.Context) error {
	now := k.now()
	return atomically(ctx, k.config.Client, func(tx *ent.Tx) error {
		_, err := k.insert(ctx, tx, newKey{token.EdDSA, 1, now, now})
		return err
	})
}

// newKey says which key insert generates.
type newKey struct {
	algorithm          string
	sequence           int
	createdAt, signsAt time.Time
}

// insert stores a new key, unless there is one of this sequence number.
func (k *SigningKeys) insert(ctx context.Context, tx *ent.Tx, n newKey) (created bool, err error) {
	if err := lockSecret(ctx, tx, k.config.Secrets); err != nil {
		return false, err
	}
	key, err := token.GenerateKey(n.algorithm)
	if err != nil {
		return false, err
	}
	der, err := key.Marshal()
	if err != nil {
		return false, err
	}
	err = tx.SigningKey.Create().
		SetID(key.ID()).SetSequence(n.sequence).
		SetSealed(k.config.Secrets.InUse().Seal(token.SigningKeyPurpose, der)).
		SetCreatedAt(n.createdAt).SetSignsAt(n.signsAt).
		OnConflictColumns(signingkey.FieldSequence).DoNothing().
		Exec(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Rotation says how to rotate.
type Rotation struct {
	Algorithm string // default: the one that the newest key has
	Revoke    bool   // the new key signs immediately, and the old ones are deleted: for a key that leaked
}

// Rotate creates the next signing key. It returns ErrRotationPending, and creates none, when the newest key does not
// sign yet.
func (k *SigningKeys) Rotate(ctx context.Context, r Rotation) error {
	rotated := Event{Kind: KeysRotated}
	if r.Revoke {
		rotated.Kind = KeysRevoked
	}
	err := atomically(ctx, k.config.Client, func(tx *ent.Tx) error {
		if err := k.rotate(ctx, tx, r, k.now()); err != nil {
			return err
		}
		return recordEvents(ctx, tx, k.now(), rotated)
	})
	if err != nil {
		return err
	}
	k.config.OnEvent(ctx, rotated)
	return nil
}

func (k *SigningKeys) rotate(ctx context.Context, tx *ent.Tx, r Rotation, now time.Time) error {
	rows, err := k.rows(ctx, tx.SigningKey)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("there is no signing key yet; start the server first")
	}
	newest := rows[len(rows)-1]
	if newest.SignsAt.After(now) && !r.Revoke {
		return fmt.Errorf("%w: the key %s signs from %s; rotate again after that", ErrRotationPending, newest.ID,
			newest.SignsAt.UTC().Format(time.RFC3339))
	}
	if r.Algorithm == "" {
		before, err := k.open(newest)
		if err != nil {
			return err
		}
		r.Algorithm = before.Key.Algorithm()
	}
	signsAt := now.Add(KeyLead)
	if r.Revoke {
		signsAt = now // where a clock is behind, the lone key signs before that too
	}
	created, err := k.insert(ctx, tx, newKey{r.Algorithm, newest.Sequence + 1, now, signsAt})
	if err == nil && !created {
		err = fmt.Errorf("%w by another instance", ErrRotationPending)
	}
	if err != nil {
		return err
	}
	if r.Revoke { // no end: that would be a moment of this machine's clock, and others are behind it
		_, err := tx.SigningKey.Delete().Where(signingkey.SequenceLTE(newest.Sequence)).Exec(ctx)
		return err
	}
	longest, err := lockMaxTokenTTL(ctx, tx, entsql.LockShare)
	if err != nil {
		return err
	}
	return tx.SigningKey.Update().Where(signingkey.SequenceLTE(newest.Sequence), signingkey.EndsAtIsNil()).
		SetEndsAt(now.Add(KeyLead + max(longest, k.config.TTL) + token.Leeway)).Exec(ctx)
}

// Maintain deletes keys that ended a day ago, and rotates when the newest has signed for RotateEvery. Of instances
// that do so simultaneously, one rotates.
func (k *SigningKeys) Maintain(ctx context.Context) error {
	expired := signingkey.EndsAtLTE(k.now().Add(-deleteAfter))
	if _, err := k.config.Client.SigningKey.Delete().Where(expired).Exec(ctx); err != nil {
		return err
	}
	if k.config.RotateEvery == 0 {
		return nil
	}
	rows, err := k.rows(ctx, k.config.Client.SigningKey)
	if err != nil || len(rows) == 0 {
		return err
	}
	if k.now().Before(rows[len(rows)-1].SignsAt.Add(k.config.RotateEvery - KeyLead)) {
		return nil
	}
	err = k.Rotate(ctx, Rotation{})
	if errors.Is(err, ErrRotationPending) {
		return nil
	}
	return err
}
