package accounts

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// DeviceTTL is how long a device stays known for an account after a sign-in.
const DeviceTTL = 90 * 24 * time.Hour

// credentialOf names what the devices of an account are known by. Every use case that sets a password, or takes the use
// of it away, adds 1 to the generation: a device is known because of a sign-in, and worth no more than its password.
func credentialOf(row *ent.User) token.Credential {
	return token.Credential{Address: row.Email, UserID: row.ID, Generation: row.CredentialGeneration,
		Factors: row.FactorGeneration}
}

// knownDevice returns the id of the device that signs in to the account of an address, uuid.Nil when the account does
// not know it.
func (s *Service) knownDevice(ctx context.Context, address, device string, now time.Time) (uuid.UUID, error) {
	if !s.throttle.devices.Knows(device, address) {
		return uuid.Nil, nil
	}
	row, err := s.userByAddress(ctx, address)
	if row == nil || err != nil {
		return uuid.Nil, err
	}
	return s.throttle.knownDevice(row, device, now), nil
}

// knownDevice returns the id of a device that an account knows, uuid.Nil for another one.
func (t *throttler) knownDevice(row *ent.User, device string, now time.Time) uuid.UUID {
	d, ok := t.devices.Find(device, credentialOf(row))
	if !ok || now.Sub(d.IssuedAt) > DeviceTTL {
		return uuid.Nil
	}
	return d.ID
}

// isNewDevice reports whether an account does not know the device of a sign-in. Without a throttle devices have no
// tokens, and none is new.
func (s *Service) isNewDevice(row *ent.User, from viewer.Origin, now time.Time) bool {
	return s.throttle != nil && s.throttle.knownDevice(row, from.Device, now) == uuid.Nil
}

// deviceToken returns the token by which the caller is known at the next sign-in. A device that the account knows keeps
// its id, and so its counter.
func (s *Service) deviceToken(row *ent.User, from viewer.Origin, now time.Time) (*string, error) {
	if s.throttle == nil {
		return nil, nil
	}
	d, ok := s.throttle.devices.Find(from.Device, credentialOf(row))
	if !ok {
		id, err := s.config.NewID()
		if err != nil {
			return nil, err
		}
		d.ID = id
	}
	d.IssuedAt = now
	text := s.throttle.devices.Add(from.Device, d, credentialOf(row))
	return &text, nil
}
