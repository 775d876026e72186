package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxSessions is how many active sessions an account has. One more revokes the least recently used.
const maxSessions = 100

// newSession is whose session begins, by what proof, and from where.
type newSession struct {
	user *ent.User
	amr  token.AMR
	from viewer.Origin
}

// signIn starts a session for a user who has just proved who they are. An account that its owner has deleted is restored.
func (s *Service) signIn(ctx context.Context, tx *transaction, n newSession, now time.Time) (*AuthPayload, error) {
	row, from := n.user, n.from
	if err := s.evictSessions(ctx, tx, row.ID, now); err != nil {
		return nil, err
	}
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	refresh, err := s.config.Refresh.New(row.ID, id)
	if err != nil {
		return nil, err
	}
	made, err := tx.Session.Create().
		SetID(id).SetUserID(row.ID).
		SetRefreshDigest(refresh.Digest()).SetRefreshGeneration(int(refresh.Generation)).
		SetAuthenticatedAt(now).SetAmr(n.amr.String()).SetCreatedAt(now).SetLastUsedAt(now).
		SetIdleExpiresAt(wholeSecond(now.Add(s.config.RefreshTTL))).
		SetExpiresAt(wholeSecond(now.Add(s.config.SessionTTL))).
		SetNillableUserAgent(nilIfEmpty(from.Agent)).SetNillableIP(nilIfEmpty(from.Address())).
		Save(ctx)
	if err != nil {
		return nil, err
	}
	if row, err = tx.restore(ctx, row, id, now); err != nil {
		return nil, err
	}
	tx.emit(Event{Kind: SignedIn, UserID: row.ID, SessionID: id, NewDevice: s.isNewDevice(row, from, now)})
	p, err := s.payload(row, made, refresh, now)
	if err != nil {
		return nil, err
	}
	p.Device, err = s.deviceToken(row, from, now)
	return p, err
}

// evictSessions deletes a user's expired sessions, and revokes those that would exceed maxSessions with one more.
// Usually there are neither, which one statement finds out.
func (s *Service) evictSessions(ctx context.Context, tx *transaction, userID uuid.UUID, now time.Time) error {
	held, err := tx.Session.Query().Where(session.UserID(userID)).
		Order(ent.Desc(session.FieldLastUsedAt), ent.Desc(session.FieldID)).
		Select(session.FieldID, session.FieldEndedAt, session.FieldIdleExpiresAt, session.FieldExpiresAt).
		All(ctx)
	if err != nil {
		return err
	}
	var live []uuid.UUID
	for _, row := range held {
		if row.EndedAt == nil && now.Before(expiry(row)) {
			live = append(live, row.ID)
		}
	}
	if len(live) < len(held) {
		if _, err := tx.Session.Delete().Where(session.UserID(userID), expiredOrRevoked(now)).Exec(ctx); err != nil {
			return err
		}
	}
	if len(live) < maxSessions {
		return nil
	}
	return s.revokeSessions(ctx, tx, now, session.IDIn(live[maxSessions-1:]...))
}

// wholeSecond truncates the end of a session to a second, as its access tokens do (NumericDate): an active session can
// always issue a token of at least a second.
func wholeSecond(t time.Time) time.Time { return t.Truncate(time.Second) }

// nilIfEmpty returns nil for "".
func nilIfEmpty(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// payload returns a refresh token and an access token of a session.
func (s *Service) payload(row *ent.User, in *ent.Session, refresh token.Refresh, now time.Time) (*AuthPayload, error) {
	p, err := s.accessPayload(row, in, now)
	if err != nil {
		return nil, err
	}
	text := refresh.Text()
	p.RefreshToken = &text
	p.RefreshExpiresAt = expiry(in)
	return p, nil
}

// accessPayload issues an access token of a session. It never outlives the session.
func (s *Service) accessPayload(row *ent.User, in *ent.Session, now time.Time) (*AuthPayload, error) {
	amr := token.ParseAMR(in.Amr)
	issued := now.Truncate(time.Second) // NumericDate (RFC 7519, section 2) as whole seconds
	expires := issued.Add(s.config.Access.TTL())
	if end := expiry(in); end.Before(expires) {
		expires = end
	}
	access, err := s.config.Access.Issue(token.Claims{
		UserID:          row.ID,
		SessionID:       in.ID,
		AuthenticatedAt: in.AuthenticatedAt,
		AMR:             amr,
		IssuedAt:        issued,
		ExpiresAt:       expires,
		Roles:           s.rolesIn(amr, row.Roles),
	})
	if err != nil {
		return nil, err
	}
	user := userOf(row)
	user.SignedIn = in.ID
	return &AuthPayload{
		AccessToken: access,
		TokenType:   "Bearer",
		ExpiresIn:   int(expires.Sub(issued) / time.Second),
		User:        user,
		Viewer: &viewer.Viewer{
			UserID:    row.ID,
			SessionID: in.ID,
			Roles:     row.Roles,
			AuthTime:  in.AuthenticatedAt,
			AMR:       amr,
		},
	}, nil
}

func sessionEnded() *problem.Problem {
	return problem.New(problem.Unauthenticated,
		"The session has ended; sign in again.").WithReason(string(viewer.Revoked))
}

// expiry returns when a session expires: idle for too long, or at the end of its life.
func expiry(row *ent.Session) time.Time {
	if row.IdleExpiresAt.Before(row.ExpiresAt) {
		return row.IdleExpiresAt.UTC()
	}
	return row.ExpiresAt.UTC()
}

// expiredOrRevoked matches sessions that can never be used again.
func expiredOrRevoked(now time.Time) predicate.Session {
	return session.Or(session.EndedAtNotNil(), session.IdleExpiresAtLTE(now), session.ExpiresAtLTE(now))
}

// overEverywhere is expiredOrRevoked by the clock of each instance: one that has expired here may live where the clock
// is behind, and what ends sessions must end it.
func overEverywhere(now time.Time) predicate.Session { return expiredOrRevoked(now.Add(-token.Leeway)) }
