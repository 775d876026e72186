package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/revocation"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/token"
)

// Revocation says what is no longer true of access tokens that have not expired: a session has ended, or a user's
// rights are others than their tokens say.
type Revocation struct {
	UserID    uuid.UUID
	SessionID uuid.UUID // the session that has ended; uuid.Nil when rights changed
	Roles     []string  // the user's rights since At; nil when a session has ended
	At        time.Time
	Until     time.Time // when the last token that is meant has expired
}

// Before returns until when tokens may have been issued with the rights from before: by an instance that had not seen the
// change, which was not yet committed At, and whose clock may be ahead. Tokens that were issued by then with the new
// rights, or newer ones, are meant too; nothing is lost, for whoever hears of a change hears of those after it.
func (r Revocation) Before() time.Time {
	return r.At.Add(token.Leeway).Truncate(time.Second).Add(time.Second)
}

// revokeSessions ends the sessions that are meant and still live, and records it: no instance may remember them, and services
// elsewhere refuse their tokens. The row of their user must have been written before in the same transaction, where all
// of a user's sessions are meant, or a login at the same moment could start one that is not seen here.
func (s *Service) revokeSessions(ctx context.Context, tx *transaction, now time.Time, meant ...predicate.Session) error {
	rows, err := tx.Session.Query().Where(append(meant, session.Not(expiredOrRevoked(now)))...).
		Select(session.FieldID, session.FieldUserID).Order(ent.Asc(session.FieldID)).All(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
		tx.revoked = append(tx.revoked, Revocation{UserID: row.UserID, SessionID: row.ID, At: now, Until: s.tokensExpireBy(now)})
	}
	if err := tx.Session.Update().Where(session.IDIn(ids...), session.EndedAtIsNil()).SetEndedAt(now).Exec(ctx); err != nil {
		return err
	}
	return tx.record(ctx, len(rows))
}

// recordRoles records that a user's rights are these from now on.
func (s *Service) recordRoles(ctx context.Context, tx *transaction, row *ent.User, now time.Time) error {
	tx.revoked = append(tx.revoked, Revocation{UserID: row.ID, Roles: row.Roles, At: now, Until: s.tokensExpireBy(now)})
	return tx.record(ctx, 1)
}

// tokensExpireBy returns when every access token that was issued until now has expired, whichever instance's clock it has.
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
		return fmt.Errorf("record what is revoked: %w", err)
	}
	return nil
}

// Revocations returns those in force, in the order of their commits as far as it matters: a user's row is held while one
// of the user's is written. Clocks of instances would not tell.
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

// PublishPending tells subscribers what was recorded since the last time, by this process or by another one that uses the same
// file, in the order of the commits. It is for a database that tells nobody. When it fails subscribers must begin anew.
func (s *Service) PublishPending(ctx context.Context) {
	if !s.subscribers.any() {
		return
	}
	s.subscribers.publishing.Lock()
	defer s.subscribers.publishing.Unlock()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	rows, err := s.config.Client.Revocation.Query().Where(revocation.IDGT(s.subscribers.published)).Order(ent.Asc(revocation.FieldID)).All(ctx)
	if err != nil {
		s.config.Log.WarnContext(ctx, "subscribers cannot be told what is revoked", "error", err)
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

// DeleteExpiredRevocations deletes the records of tokens that expired long ago: a clock that is ahead must not delete what is
// in force for others. Call it now and then.
func (s *Service) DeleteExpiredRevocations(ctx context.Context) error {
	_, err := s.config.Client.Revocation.Delete().Where(revocation.UntilLTE(s.now().Add(-token.MaxTTL))).Exec(ctx)
	return err
}

// NotifyChannel is the channel on which Postgres tells the instances of what changed; the trigger gatehouse_tell.
const NotifyChannel = "gatehouse_changes"

// notification is what is told on NotifyChannel: one of its parts.
type notification struct {
	Keys       bool            `json:"keys"`       // the signing keys
	User       uuid.UUID       `json:"user"`       // whose account was changed
	Revocation *ent.Revocation `json:"revocation"` // a new row
}

// HandleNotification takes what another instance told, or this one. It returns whether signing keys changed. What cannot be read is
// from another version of the program: then nothing that is remembered holds.
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
