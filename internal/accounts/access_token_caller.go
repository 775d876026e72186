package accounts

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unsafe"

	entsql "entgo.io/ent/dialect/sql"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/user"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// cachedToken is what a cached session has more when it is a personal access token.
type cachedToken struct {
	id     uuid.UUID
	scopes []string // shared by all: see sharedScopes
}

// TokenViewer returns the caller that the text of a personal access token names: anonymous when the token cannot be
// used, or its account. A cached token is not read again, and a text that is none costs no statement. The use is
// recorded, at most once a minute a token.
func (s *Service) TokenViewer(ctx context.Context, text string, _ viewer.Origin) (viewer.Viewer, error) {
	found, refused, err := s.presentedToken(ctx, text)
	switch {
	case err != nil:
		return viewer.Viewer{}, err
	case refused != "":
		return *viewer.Anonymous(refused), nil
	}
	return viewer.Viewer{
		UserID: found.userID, TokenID: found.token.id, Roles: found.roles, Scopes: found.token.scopes,
	}, nil
}

// presentedToken returns the personal access token of a text, or why it cannot be used.
func (s *Service) presentedToken(
	ctx context.Context, text string,
) (found cachedSession, refused viewer.Reason, err error) {
	presented, err := s.config.Personal.Parse(text)
	if err != nil {
		return found, viewer.Invalid, nil
	}
	now, digest := s.now(), presented.Digest()
	found, ok := s.cache.accessToken(token.CacheKey(digest), now)
	if !ok {
		version := s.cache.versionNow()
		read, refused, err := s.readAccessToken(ctx, digest, now)
		if read == nil {
			return found, refused, err
		}
		found = *read
		if read.useIsDue(now) {
			read.lastUsed = momentOf(now)
		}
		s.cache.addSession(version, *read)
	}
	if found.useIsDue(now) {
		s.uses.addToken(found.token.id, now)
	}
	return found, "", nil
}

// readAccessToken reads a personal access token and its user's roles in one statement; nil, and why, when it may not be
// used.
func (s *Service) readAccessToken(
	ctx context.Context, digest []byte, now time.Time,
) (*cachedSession, viewer.Reason, error) {
	row, err := s.config.Client.AccessToken.Query().Where(
		accesstoken.Digest(digest),
		func(tokens *entsql.Selector) { // Ent itself would read the user in a second statement
			users := entsql.Table(user.Table)
			tokens.Join(users).On(tokens.C(accesstoken.FieldUserID), users.C(user.FieldID))
			tokens.Where(entsql.EQ(users.C(user.FieldStatus), string(StatusActive)))
			tokens.AppendSelect(users.C(user.FieldRoles))
		},
	).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return nil, viewer.Revoked, nil
	case err != nil:
		return nil, "", err
	case row.RevokedAt != nil:
		return nil, viewer.Revoked, nil
	case !now.Before(row.ExpiresAt):
		return nil, viewer.Expired, nil
	}
	value, err := row.Value(user.FieldRoles)
	if err != nil {
		return nil, "", err
	}
	found := &cachedSession{id: token.CacheKey(digest), userID: row.UserID, endsAt: momentOf(row.ExpiresAt),
		token: &cachedToken{row.ID, sharedScopes(row.Scopes)}}
	if row.LastUsedAt != nil {
		found.lastUsed = momentOf(*row.LastUsedAt)
	}
	if err := json.Unmarshal(bytesOf(value), &found.roles); err != nil {
		return nil, "", fmt.Errorf("reading the roles of %s: %w", row.UserID, err)
	}
	if slices.Equal(found.roles, justUser) {
		found.roles = justUser
	}
	return found, "", nil
}

// sharedScopes returns the scopes of a row. Their texts are the constants, so that a cached token holds a list of them
// and no text. One that is no scope any more opens nothing.
func sharedScopes(text string) []string {
	var scopes []string
	for _, s := range Scopes() {
		if slices.Contains(strings.Fields(text), string(s)) {
			scopes = append(scopes, string(s))
		}
	}
	return slices.Clip(scopes)
}

// size is how much a cached token holds.
func (t *cachedToken) size() int {
	return int(unsafe.Sizeof(*t)) + len(t.scopes)*int(unsafe.Sizeof("")) + sliceBytes
}
