package accounts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/accesstoken"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// maxAccessTokens is how many personal access tokens an account has that can be used.
const maxAccessTokens = 50

// PersonalAccessToken is a personal access token without its digest.
type PersonalAccessToken struct {
	ID         uuid.UUID
	Name       string
	Scopes     []string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time

	UserID uuid.UUID // whose it is; not part of the schema
}

// OwnerID returns the user whose token it is.
func (t *PersonalAccessToken) OwnerID() uuid.UUID { return t.UserID }

// CreateAccessTokenInput is GraphQL's input of that name.
type CreateAccessTokenInput struct {
	Name      string
	Scopes    []string
	ExpiresAt time.Time
}

// CreateAccessTokenPayload is GraphQL's type of that name.
type CreateAccessTokenPayload struct {
	Token       string
	AccessToken *PersonalAccessToken
}

// RevokeAccessTokenPayload is GraphQL's type of that name.
type RevokeAccessTokenPayload struct{ Success bool }

// clean returns the input as it is stored. Problem: BAD_USER_INPUT.
func (in CreateAccessTokenInput) clean(now time.Time) (CreateAccessTokenInput, error) {
	name, wrongName := cleanName(&in.Name)
	scopes, wrongScopes := cleanScopes(in.Scopes)
	var wrongExpiry error
	expires := wholeSecond(in.ExpiresAt.UTC())
	if !expires.After(now) || expires.After(now.Add(token.Leeway).AddDate(1, 0, 0)) {
		wrongExpiry = problem.BadInput("expiresAt", problem.OutOfRange,
			"A token expires in the future, and after a year at the latest.")
	}
	if err := errors.Join(wrongName, wrongScopes, wrongExpiry); err != nil {
		return in, err
	}
	return CreateAccessTokenInput{*name, scopes, expires}, nil
}

// CreateAccessToken makes a personal access token of the caller, whose text is in the answer and nowhere else.
// Problems: BAD_USER_INPUT, FORBIDDEN when there are too many, REAUTHENTICATION_REQUIRED, UNAUTHENTICATED.
func (s *Service) CreateAccessToken(
	ctx context.Context, v *viewer.Viewer, in CreateAccessTokenInput,
) (*CreateAccessTokenPayload, error) {
	now := s.now()
	in, err := in.clean(now)
	if err != nil {
		return nil, err
	}
	made, err := s.config.Personal.New()
	if err != nil {
		return nil, err
	}
	id, err := s.config.NewID()
	if err != nil {
		return nil, err
	}
	var row *ent.AccessToken
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, caller *ent.User) (err error) {
		if _, err = needFactor(ctx, tx, v, caller); err != nil {
			return err
		}
		if err = tx.makeRoomForAccessToken(ctx, caller.ID, now); err != nil {
			return err
		}
		row, err = tx.AccessToken.Create().SetID(id).SetUserID(caller.ID).SetSessionID(v.SessionID).
			SetDigest(made.Digest()).SetName(in.Name).SetScopes(strings.Join(in.Scopes, " ")).
			SetCreatedAt(now).SetExpiresAt(in.ExpiresAt).Save(ctx)
		tx.emit(Event{Kind: AccessTokenCreated, UserID: caller.ID, SessionID: id, After: strings.Join(in.Scopes, " ")})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &CreateAccessTokenPayload{Token: made.Text(), AccessToken: accessTokenOf(row)}, nil
}

// makeRoomForAccessToken deletes the tokens of an account that can never be used again, and refuses one too many. The
// transaction holds the account, so that none is made simultaneously. Problem: FORBIDDEN.
func (tx *transaction) makeRoomForAccessToken(ctx context.Context, account uuid.UUID, now time.Time) error {
	own := accesstoken.UserID(account)
	gone := accesstoken.Or(accesstoken.RevokedAtNotNil(), accesstoken.ExpiresAtLTE(now.Add(-token.Leeway)))
	if _, err := tx.AccessToken.Delete().Where(own, gone).Exec(ctx); err != nil {
		return err
	}
	n, err := tx.AccessToken.Query().Where(own, accesstoken.ExpiresAtGT(now)).Count(ctx)
	if err == nil && n >= maxAccessTokens {
		err = problem.New(problem.Forbidden,
			fmt.Sprintf("An account has at most %d personal access tokens; revoke one first.", maxAccessTokens))
	}
	return err
}

// RevokeAccessToken revokes one of the caller's own personal access tokens. Problems: NOT_FOUND, the same for a token
// that has ended and for another's; UNAUTHENTICATED.
func (s *Service) RevokeAccessToken(
	ctx context.Context, v *viewer.Viewer, id uuid.UUID,
) (*RevokeAccessTokenPayload, error) {
	now := s.now()
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, _ *ent.User) error {
		before := len(tx.revoked)
		err := s.revokeTokens(ctx, tx, now, accesstoken.ID(id), accesstoken.UserID(v.UserID))
		if err == nil && len(tx.revoked) == before {
			err = problem.New(problem.NotFound, "There is no such personal access token of yours.")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &RevokeAccessTokenPayload{Success: true}, nil
}

// revokeTokens revokes the personal access tokens in scope that can be used, and records that, as revokeSessions does
// with sessions and under the same condition.
func (s *Service) revokeTokens(
	ctx context.Context, tx *transaction, now time.Time, scope ...predicate.AccessToken,
) error {
	live := canBeUsed(now.Add(-token.Leeway)) // see overEverywhere
	until := s.answersExpireBy(now)
	rows, err := tx.AccessToken.Query().Where(append(scope, live)...).
		Select(accesstoken.FieldID, accesstoken.FieldUserID).Order(ent.Asc(accesstoken.FieldID)).All(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	ids, users := make([]uuid.UUID, len(rows)), make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[i], users[i] = row.ID, row.UserID
		tx.revoked = append(tx.revoked,
			Revocation{UserID: row.UserID, SessionID: row.ID, At: now, Until: until})
		tx.emit(Event{Kind: AccessTokenRevoked, UserID: row.UserID, SessionID: row.ID})
	}
	slices.SortFunc(users, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	err = tx.AccessToken.Update().
		Where(accesstoken.IDIn(ids...), accesstoken.UserIDIn(slices.Compact(users)...), accesstoken.RevokedAtIsNil()).
		SetRevokedAt(now).Exec(ctx)
	if err != nil {
		return err
	}
	return tx.record(ctx, len(rows))
}

// canBeUsed matches the personal access tokens that may be used at a time.
func canBeUsed(now time.Time) predicate.AccessToken {
	return accesstoken.And(accesstoken.RevokedAtIsNil(), accesstoken.ExpiresAtGT(now))
}

// AccessTokens returns a user's personal access tokens that can be used, the newest first.
func (s *Service) AccessTokens(ctx context.Context, of *User) ([]*PersonalAccessToken, error) {
	rows, err := s.config.Client.AccessToken.Query().Where(accesstoken.UserID(of.ID), canBeUsed(s.now())).
		Order(ent.Desc(accesstoken.FieldCreatedAt), ent.Desc(accesstoken.FieldID)).Limit(maxAccessTokens).All(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*PersonalAccessToken, len(rows))
	for i, row := range rows {
		all[i] = accessTokenOf(row)
	}
	return all, nil
}

// AccessToken returns a personal access token that can be used, whosever it is; nil when there is none.
func (s *Service) AccessToken(ctx context.Context, id uuid.UUID) (*PersonalAccessToken, error) {
	row, err := s.config.Client.AccessToken.Query().Where(accesstoken.ID(id), canBeUsed(s.now())).Only(ctx)
	if err != nil {
		return nil, ent.MaskNotFound(err)
	}
	return accessTokenOf(row), nil
}

// accessTokenOf converts a row.
func accessTokenOf(row *ent.AccessToken) *PersonalAccessToken {
	return &PersonalAccessToken{
		ID: row.ID, Name: row.Name, Scopes: strings.Fields(row.Scopes), UserID: row.UserID,
		CreatedAt: row.CreatedAt.UTC(), ExpiresAt: row.ExpiresAt.UTC(), LastUsedAt: inUTC(row.LastUsedAt),
	}
}
