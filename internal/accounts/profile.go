package accounts

import (
	"context"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// Me returns the caller's account, from the session cache or the database. Problem: UNAUTHENTICATED when it is gone.
func (s *Service) Me(ctx context.Context, v *viewer.Viewer) (*User, error) {
	if me, ok := s.cache.account(v.UserID); ok {
		return me, nil
	}
	version := s.cache.versionNow()
	me, err := userOrNil(s.config.Client.User.Get(ctx, v.UserID))
	if err == nil && me == nil {
		err = sessionEnded()
	}
	if err != nil {
		return nil, err
	}
	s.cache.addAccount(version, *me)
	return me, nil
}

// ProfileChange says what of their profile a user changes.
type ProfileChange struct {
	Name **string // nil leaves the name, a pointer to nil takes it away
}

// UpdateProfile changes the caller's profile. Problems: BAD_USER_INPUT, UNAUTHENTICATED.
func (s *Service) UpdateProfile(ctx context.Context, v *viewer.Viewer, change ProfileChange) (*UpdateProfilePayload,
	error) {
	now := s.now()
	var name *string
	if change.Name != nil {
		var err error
		if name, err = cleanName(*change.Name); err != nil {
			return nil, err
		}
	}
	var payload *UpdateProfilePayload
	err := s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) (err error) {
		if change.Name != nil {
			update := row.Update().SetUpdatedAt(now).SetNillableName(name)
			if name == nil {
				update.ClearName()
			}
			if row, err = update.Save(ctx); err != nil {
				return err
			}
			tx.emit(Event{Kind: ProfileChanged, UserID: row.ID})
		}
		payload = &UpdateProfilePayload{User: userOf(row)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}
