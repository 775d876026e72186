package accounts

import (
	"context"
	"encoding/json"
	"fmt"
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
	Roles     []string  // since At; nil: a session was revoked
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
	rows, err := tx.Session.Query().Where(append(scope, session.Not(expiredOrRevoked(now)))...).
		Select(session.FieldID, session.FieldUserID).Order(ent.Asc(session.FieldID)).All(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		tx.revoked = append(tx.revoked,
			Revocation{UserID: row.UserID, SessionID: row.ID, At: now, Until: s.tokensExpireBy(now)})
	}
	err = tx.Session.Update().Where(session.IDIn(ids...), session.EndedAtIsNil()).SetEndedAt(now).Exec(ctx)
	if err != nil {
		return err
	}
	return tx.record(ctx, len(rows))
}

// recordRoles records a user's new roles.
func (s *Service) recordRoles(ctx context.Context, tx *transaction, row *ent.User, now time.Time) error {
	tx.revoked = append(tx.revoked, Revocation{UserID: row.ID, Roles: row.Roles, At: now, Until: s.tokensExpireBy(now)})
	return tx.record(ctx, 1)
}

// tokensExpireBy returns when every access token that was issued until now has expired, by any instance's clock.
func (s *Service) tokensExpireBy(now time.Time) time.Time {
	return now.Add(s.config.MaxTokenTTL + token.Leeway).Truncate(time.Second)
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
func (s *Service) Revocations(ctx context.Context) ([]Revocation, error) {
	rows, err := s.config.Client.Revocation.Query().Where(revocation.UntilGT(s.now())).
		Order(ent.Asc(revocation.FieldID)).All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Revocation, len(rows))
	for i, row := range rows {
		all[i] = revocationOf(row)
	}
	return all, nil
}

func revocationOf(row *ent.Revocation) Revocation {
	r := Revocation{UserID: row.UserID, Roles: row.Roles, At: row.At.UTC(), Until: row.Until.UTC()}
	if row.SessionID != nil {
		r.SessionID = *row.SessionID
	}
	return r
}

// PublishPending sends subscribers the revocations since the last call, by this process or another one that uses the
// same SQLite file, in the order of the commits. A failure drops all subscribers, who start again.
func (s *Service) PublishPending(ctx context.Context) {
	if !s.subscribers.any() {
		return
	}
	s.subscribers.publishing.Lock()
	defer s.subscribers.publishing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	rows, err := s.config.Client.Revocation.Query().Where(revocation.IDGT(s.subscribers.published)).
		Order(ent.Asc(revocation.FieldID)).All(ctx)
	if err != nil {
		s.config.Log.WarnContext(ctx, "publishing revocations failed", "error", err)
		s.SyncLost()
		return
	}
	for _, row := range rows {
		r := revocationOf(row)
		s.cache.invalidate(r.UserID)
		s.subscribers.send(Notice{Revocation: &r})
		s.subscribers.published = row.ID
	}
}

// DeleteExpiredRevocations deletes records of tokens that expired long ago. It waits token.MaxTTL more, because a
// clock that is ahead must not delete what is in force for others. Call it periodically.
func (s *Service) DeleteExpiredRevocations(ctx context.Context) error {
	return s.sweep(ctx, revocation.Table, func(ctx context.Context, tx *ent.Tx) (int, error) {
		expired := entsql.LTE(revocation.FieldUntil, s.now().Add(-token.MaxTTL))
		return tx.Revocation.Delete().Where(unlocked(revocation.Table, expired)).Exec(ctx)
	})
}

// NotifyChannel is the channel on which Postgres notifies the instances, by the trigger gatehouse_tell.
const NotifyChannel = "gatehouse_changes"

// notification is the JSON payload on NotifyChannel: one of its members.
type notification struct {
	Keys       bool            `json:"keys"`       // the signing keys
	User       uuid.UUID       `json:"user"`       // whose account was changed
	Revocation *ent.Revocation `json:"revocation"` // a new row
}

// HandleNotification handles a payload of NotifyChannel. It returns whether signing keys changed. An unreadable
// payload is from another version of the program: then the session cache is emptied.
func (s *Service) HandleNotification(payload string) (keys bool) {
	var c notification
	if err := json.Unmarshal([]byte(payload), &c); err != nil || !c.Keys && c.Revocation == nil && c.User == uuid.Nil {
		s.SyncLost()
		return true
	}
	if c.User != uuid.Nil {
		s.cache.invalidate(c.User)
	}
	if c.Revocation != nil {
		r := revocationOf(c.Revocation)
		s.cache.invalidate(r.UserID)
		s.subscribers.send(Notice{Revocation: &r})
	}
	return c.Keys
}
