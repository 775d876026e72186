package accounts

import (
	"context"
	"time"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxSessions is how many sessions an account may have at once. One more ends the one that was used longest ago.
const maxSessions = 100

// signIn starts a session for a user who has just proved who they are. It takes the user's dead sessions away, and what
// would be more than maxSessions.
func (s *Service) signIn(ctx context.Context, tx *ent.Tx, row *ent.User, now time.Time) (*AuthPayload, error) {
	if _, err := tx.Session.Delete().Where(session.UserID(row.ID), dead(now)).Exec(ctx); err != nil {
		return nil, err
	}
	surplus, err := tx.Session.Query().Where(session.UserID(row.ID)).
		Order(ent.Desc(session.FieldLastUsedAt), ent.Desc(session.FieldID)).Offset(maxSessions - 1).
		IDs(ctx)
	if err != nil {
		return nil, err
	}
	if len(surplus) > 0 {
		if _, err := tx.Session.Delete().Where(session.IDIn(surplus...)).Exec(ctx); err != nil {
			return nil, err
		}
	}
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	refresh, err := s.config.Refresh.New(id)
	if err != nil {
		return nil, err
	}
	// A session ends at a whole second, as its access tokens do (NumericDate): while it lives, a token of at least a
	// second can be issued.
	expires := now.Add(s.config.SessionTTL).Truncate(time.Second)
	made, err := tx.Session.Create().
		SetID(id).SetUserID(row.ID).
		SetRefreshDigest(refresh.Digest()).SetRefreshGeneration(int(refresh.Generation)).
		SetAuthenticatedAt(now).SetCreatedAt(now).SetLastUsedAt(now).
		SetIdleExpiresAt(now.Add(s.config.RefreshTTL)).SetExpiresAt(expires).
		Save(ctx)
	if err != nil {
		return nil, err
	}
	return s.payload(row, made, refresh, now)
}

// payload gives a session's newest refresh token and an access token.
func (s *Service) payload(row *ent.User, in *ent.Session, refresh token.Refresh, now time.Time) (*AuthPayload, error) {
	p, err := s.accessPayload(row, in, now)
	if err != nil {
		return nil, err
	}
	text := refresh.Text()
	p.RefreshToken = &text
	return p, nil
}

// accessPayload issues an access token of a session. It never outlives the session.
func (s *Service) accessPayload(row *ent.User, in *ent.Session, now time.Time) (*AuthPayload, error) {
	issued := now.Truncate(time.Second) // NumericDate (RFC 7519, section 2) as whole seconds
	expires := issued.Add(s.config.Access.TTL())
	if in.ExpiresAt.Before(expires) {
		expires = in.ExpiresAt
	}
	access, err := s.config.Access.Issue(token.Claims{
		UserID:          row.ID,
		SessionID:       in.ID,
		AuthenticatedAt: in.AuthenticatedAt,
		IssuedAt:        issued,
		ExpiresAt:       expires,
		Roles:           row.Roles,
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
			UserID:          row.ID,
			SessionID:       in.ID,
			Roles:           row.Roles,
			AuthenticatedAt: in.AuthenticatedAt,
		},
	}, nil
}

// Viewer returns the caller that a verified access token names, as the database knows them now: nobody when the
// session has ended or the account may not be used.
func (s *Service) Viewer(ctx context.Context, claims token.Claims) (*viewer.Viewer, error) {
	row, err := s.config.Client.User.Query().Where(
		user.ID(claims.UserID),
		user.Status(string(StatusActive)),
		user.HasSessionsWith(session.ID(claims.SessionID), session.Not(dead(s.now()))),
	).Only(ctx)
	if ent.IsNotFound(err) {
		return viewer.Nobody(viewer.Revoked), nil
	}
	if err != nil {
		return nil, err
	}
	return &viewer.Viewer{
		UserID:          row.ID,
		SessionID:       claims.SessionID,
		Roles:           row.Roles,
		Scopes:          claims.Scopes,
		AuthenticatedAt: claims.AuthenticatedAt,
	}, nil
}

// caller returns the user behind a viewer, inside of the transaction that writes: a write trusts nothing that was
// read before it. It writes to the user's row and then to the session's, and so holds both until the transaction ends:
// a logout, a suspension or a change of roles at the same moment comes wholly before or wholly after. Every transaction
// takes a user's row before the rows of the user's sessions; otherwise two could wait for each other. Problem:
// UNAUTHENTICATED.
func (s *Service) caller(ctx context.Context, tx *ent.Tx, v *viewer.Viewer, now time.Time) (*ent.User, error) {
	if !v.SignedIn() {
		return nil, problem.New(problem.Unauthenticated, "This needs a signed-in caller.").WithReason(v.Reason())
	}
	active := string(StatusActive)
	n, err := tx.User.Update().Where(user.ID(v.UserID), user.Status(active)).SetStatus(active).Save(ctx)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, sessionEnded()
	}
	n, err = tx.Session.Update().
		Where(session.ID(v.SessionID), session.UserID(v.UserID), session.Not(dead(now))).
		SetLastUsedAt(now).
		Save(ctx)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, sessionEnded()
	}
	return tx.User.Get(ctx, v.UserID)
}

func sessionEnded() *problem.Problem {
	return problem.New(problem.Unauthenticated, "The session has ended; sign in again.").WithReason(string(viewer.Revoked))
}

// dead holds for sessions that can never be used again: ended, idle for too long, or at the end of their life.
func dead(now time.Time) predicate.Session {
	return session.Or(session.EndedAtNotNil(), session.IdleExpiresAtLTE(now), session.ExpiresAtLTE(now))
}
