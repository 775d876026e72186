package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/session"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Viewer returns the caller that a verified access token names: anonymous when the session has ended or the account may
// not be used. A cached session is not read again. The use is recorded, at most once a minute a session.
func (s *Service) Viewer(ctx context.Context, claims token.Claims, from viewer.Origin) (viewer.Viewer, error) {
	now := s.now()
	found, ok := s.cache.session(claims.SessionID, claims.UserID, now)
	if !ok {
		version := s.cache.versionNow()
		read, err := s.readSession(ctx, claims, now)
		if err != nil {
			return viewer.Viewer{}, err
		}
		if read == nil {
			return *viewer.Anonymous(viewer.Revoked), nil
		}
		found = *read
		if read.useIsDue(now) {
			read.lastUsed = momentOf(now)
		}
		s.cache.addSession(version, *read)
	}
	if found.useIsDue(now) {
		s.uses.add(claims.SessionID, from, now)
	}
	return viewer.Viewer{
		UserID:    found.userID,
		SessionID: claims.SessionID,
		Roles:     found.roles,
		Scopes:    claims.Scopes,
		AuthTime:  found.authenticatedAt.time(), // what another tab of the session has proved counts too
		AMR:       found.amr,
	}, nil
}

// readSession reads an active session and its user's roles in one statement; nil when it may not be used.
func (s *Service) readSession(ctx context.Context, claims token.Claims, now time.Time) (*cachedSession, error) {
	row, err := s.config.Client.Session.Query().Where(
		session.ID(claims.SessionID), session.UserID(claims.UserID), session.Not(expiredOrRevoked(now)),
		func(sessions *entsql.Selector) { // Ent itself would read the user in a second statement
			users := entsql.Table(user.Table)
			sessions.Join(users).On(sessions.C(session.FieldUserID), users.C(user.FieldID))
			sessions.Where(entsql.EQ(users.C(user.FieldStatus), string(StatusActive)))
			sessions.AppendSelect(users.C(user.FieldRoles))
		},
	).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value, err := row.Value(user.FieldRoles)
	if err != nil {
		return nil, err
	}
	found := &cachedSession{id: row.ID, userID: row.UserID, authenticatedAt: momentOf(row.AuthenticatedAt),
		endsAt: momentOf(expiry(row)), lastUsed: momentOf(row.LastUsedAt),
		amr: token.ParseAMR(row.Amr)}
	if err := json.Unmarshal(bytesOf(value), &found.roles); err != nil {
		return nil, fmt.Errorf("reading the roles of %s: %w", row.UserID, err)
	}
	if slices.Equal(found.roles, justUser) {
		found.roles = justUser // one for all
	}
	return found, nil
}

// justUser are the roles of nearly everybody.
var justUser = []string{string(RoleUser)}

// setLastUse adds to an update when and from where the session was used.
func setLastUse(update *ent.SessionUpdate, from viewer.Origin, now time.Time) *ent.SessionUpdate {
	update.SetLastUsedAt(now)
	if from.Agent != "" {
		update.SetUserAgent(from.Agent)
	}
	if from.IP.IsValid() {
		update.SetIP(from.Address())
	}
	return update
}

// bytesOf returns a JSON column as a driver gives it: bytes or text.
func bytesOf(value any) []byte {
	if text, ok := value.(string); ok {
		return []byte(text)
	}
	raw, _ := value.([]byte)
	return raw
}
