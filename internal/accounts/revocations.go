package accounts

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/revocation"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Revocation says that access tokens which have not expired are no longer valid: a session was revoked, or a user's
// roles differ from those in their tokens.
type Revocation struct {
	UserID    uuid.UUID
	SessionID uuid.UUID // uuid.Nil: the roles changed
	Roles     []string  // that count since At; nil: a session was revoked
	MFARoles  []string  // that count in sessions with a second factor; nil: the same
	At        time.Time
	Until     time.Time // when the last affected token has expired
}

// Before is At plus clock leeway: tokens issued earlier may carry the old roles.
func (r Revocation) Before() time.Time {
	return r.At.Add(token.Leeway).Truncate(time.Second).Add(time.Second)
}

// revokeSessions revokes the active sessions in scope and records that, so that instances drop them from their caches
// and other services refuse their tokens. When the scope is all of a user's sessions, the transaction must have
// written the user's row before: otherwise a parallel login could start a session that is not seen here.
func (s *Service) revokeSessions(ctx context.Context, tx *transaction, now time.Time,
	scope ...predicate.Session) error {
	rows, err := tx.Session.Query().Where(append(scope, session.Not(overEverywhere(now)))...).
		Select(session.FieldID, session.FieldUserID).Order(ent.Asc(session.FieldID)).All(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids, users := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i], users[i] = row.ID, row.UserID
		tx.revoked = append(tx.revoked,
			Revocation{UserID: row.UserID, SessionID: row.ID, At: now, Until: tokensExpireBy(now, s.config.MaxTokenTTL)})
		tx.emit(Event{Kind: SessionEnded, UserID: row.UserID, SessionID: row.ID})
	}
	slices.SortFunc(users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	err = tx.Session.Update().
		Where(session.IDIn(ids...), session.UserIDIn(slices.Compact(users)...), session.EndedAtIsNil()).
		SetEndedAt(now).Exec(ctx)
	if err != nil {
		return err
	}
	return tx.record(ctx, len(rows))
}

// recordRoles records a user's new roles.
func (s *Service) recordRoles(ctx context.Context, tx *transaction, row, before *ent.User, now time.Time) error {
	tx.emit(Event{Kind: RolesChanged, UserID: row.ID, Roles: row.Roles,
		Before: strings.Join(before.Roles, " "), After: strings.Join(row.Roles, " ")})
	tx.revoked = append(tx.revoked, Revocation{UserID: row.ID, Roles: row.Roles, At: now, Until: s.answersExpireBy(now)})
	return tx.record(ctx, 1)
}

// tokensExpireBy returns when every access token that was issued until a moment, to live for a TTL, has expired by any
// instance's clock.
func tokensExpireBy(at time.Time, ttl time.Duration) time.Time {
	return at.Add(ttl + token.Leeway).Truncate(time.Second)
}

// answersExpireBy returns when tokensExpireBy, and every answer about a personal access token that another service was
// given until a moment and caches.
func (s *Service) answersExpireBy(at time.Time) time.Time {
	return tokensExpireBy(at, max(s.config.MaxTokenTTL, token.IntrospectionTTL))
}

// record writes the newest n revocations of the transaction.
func (tx *transaction) record(ctx context.Context, n int) error {
	newest := tx.revoked[len(tx.revoked)-n:]
	rows := make([]*ent.RevocationCreate, n)
	for i, r := range newest {
		rows[i] = tx.Revocation.Create().SetUserID(r.UserID).SetAt(r.At).SetUntil(r.Until)
		if r.SessionID != uuid.Nil {
			rows[i].SetSessionID(r.SessionID)
		} else {
			rows[i].SetRoles(r.Roles)
		}
	}
	if err := tx.Revocation.CreateBulk(rows...).Exec(ctx); err != nil {
		return fmt.Errorf("recording revocations: %w", err)
	}
	return nil
}

// Revocations returns those in force, each user's in the order of their commits: the user's row is locked while a
// revocation is written, and the ids increase. The clocks of instances differ.
func (s *Service) Revocations(ctx context.Context) (inForce []Revocation, err error) {
	longest, err := readMaxTokenTTL(ctx, s.config.Client.Setting.Query())
	if err != nil {
		return nil, err
	}
	now := s.now()
	rows, err := s.config.Client.Revocation.Query().Where(revocation.UntilGT(now.Add(-longest))).
		Order(ent.Asc(revocation.FieldID)).All(ctx)
	for _, row := range rows {
		if r := s.revocationOf(row, longest); r.Until.After(now) {
			inForce = append(inForce, r)
		}
	}
	return inForce, err
}

// revocationOf is told the longest life of tokens, which may have grown since the instance started that wrote the row.
func (s *Service) revocationOf(row *ent.Revocation, longest time.Duration) Revocation {
	r := Revocation{UserID: row.UserID, Roles: s.rolesIn(0, row.Roles), At: row.At.UTC(),
		Until: later(row.Until.UTC(), tokensExpireBy(row.At.UTC(), longest))}
	if row.SessionID != nil {
		r.SessionID = *row.SessionID
	}
	if len(r.Roles) != len(row.Roles) {
		r.MFARoles = row.Roles
	}
	return r
}

// DeleteExpiredRevocations deletes records of tokens that expired long ago. It waits token.MaxTTL more, because a
// clock that is ahead must not delete what is in force for others. Call it periodically.
func (s *Service) DeleteExpiredRevocations(ctx context.Context) error {
	return s.sweep(ctx, revocation.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		expired := entsql.LTE(revocation.FieldUntil, s.now().Add(-token.MaxTTL))
		return tx.Revocation.Delete().Where(unlocked(revocation.Table, expired)).Exec(ctx)
	})
}

// Change says what was committed, by this instance or another one.
type Change struct {
	UserID       uuid.UUID // whose account, rights or sessions changed; uuid.Nil: anybody's, or the signing keys
	RevocationID int       // of a new revocation; 0: there is none
}

// HandleChanges drops what has changed from the session cache, and sends new revocations to subscribers, each user's in
// the order of their commits. A change may come twice. It returns whether signing keys may have changed.
func (s *Service) HandleChanges(ctx context.Context, changes []Change) (keys bool) {
	var revocations []int
	for _, c := range changes {
		if c.UserID == uuid.Nil {
			s.cache.removeAll()
			keys = true
			continue
		}
		s.cache.invalidate(c.UserID)
		if c.RevocationID != 0 {
			revocations = append(revocations, c.RevocationID)
		}
	}
	if err := s.publishRevocations(ctx, revocations); err != nil {
		s.config.Log.WarnContext(ctx, "publishing revocations failed", "error", err)
		s.subscribers.dropAll()
	}
	return keys
}

func (s *Service) publishRevocations(ctx context.Context, ids []int) error {
	if len(ids) == 0 || !s.subscribers.any() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	longest, err := readMaxTokenTTL(ctx, s.config.Client.Setting.Query())
	if err != nil {
		return err
	}
	rows, err := s.config.Client.Revocation.Query().Where(revocation.IDIn(ids...)).
		Order(ent.Asc(revocation.FieldID)).All(ctx)
	for _, row := range rows {
		r := s.revocationOf(row, longest)
		s.subscribers.send(Notice{Revocation: &r})
	}
	return err
}
