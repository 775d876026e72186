package accounts

import (
	"context"
	"errors"

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

// ProfileChange says what of their profile a user changes. Nil leaves a value, a pointer to nil takes it away.
type ProfileChange struct{ Name, Locale **string }

// clean returns the change as it is stored. Problem: BAD_USER_INPUT.
func (c ProfileChange) clean() (clean ProfileChange, err error) {
	value := func(given **string, check func(*string) (*string, error)) **string {
		if given == nil {
			return nil
		}
		checked, wrong := check(*given)
		err = errors.Join(err, wrong)
		return &checked
	}
	return ProfileChange{value(c.Name, cleanName), value(c.Locale, cleanLocale)}, err
}

// UpdateProfile changes the caller's profile. Problems: BAD_USER_INPUT, UNAUTHENTICATED.
func (s *Service) UpdateProfile(ctx context.Context, v *viewer.Viewer, change ProfileChange) (*UpdateProfilePayload,
	error) {
	now := s.now()
	change, err := change.clean()
	if err != nil {
		return nil, err
	}
	var payload *UpdateProfilePayload
	err = s.write(ctx, v, now, func(ctx context.Context, tx *transaction, row *ent.User) (err error) {
		if change != (ProfileChange{}) {
			differs := change.differsFrom(row)
			if row, err = change.apply(row.Update()).SetUpdatedAt(now).Save(ctx); err != nil {
				return err
			}
			if differs {
				tx.emit(Event{Kind: ProfileChanged, UserID: row.ID})
			}
		}
		payload = &UpdateProfilePayload{User: userOf(row)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// differsFrom reports whether the change changes anything: otherwise it is no event, which would be stored for a year.
func (c ProfileChange) differsFrom(row *ent.User) bool {
	differs := func(change **string, is *string) bool {
		return change != nil && (*change == nil) != (is == nil) || change != nil && is != nil && **change != *is
	}
	return differs(c.Name, row.Name) || differs(c.Locale, row.Locale)
}

func (c ProfileChange) apply(update *ent.UserUpdateOne) *ent.UserUpdateOne {
	if c.Name != nil {
		if update.SetNillableName(*c.Name); *c.Name == nil {
			update.ClearName()
		}
	}
	if c.Locale != nil {
		if update.SetNillableLocale(*c.Locale); *c.Locale == nil {
			update.ClearLocale()
		}
	}
	return update
}
