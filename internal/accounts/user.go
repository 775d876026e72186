package accounts

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
)

// Role is a value of GraphQL's enum Role.
type Role string

// The roles.
const (
	RoleUser  Role = "USER"
	RoleAdmin Role = "ADMIN"
)

// UserStatus is a value of GraphQL's enum UserStatus.
type UserStatus string

// The states of an account.
const (
	StatusActive    UserStatus = "ACTIVE"
	StatusSuspended UserStatus = "SUSPENDED"
	StatusDeleted   UserStatus = "DELETED" // until Config.DeletionGrace is over
)

// User is an account without its password hash, so that none can leak.
type User struct {
	ID            uuid.UUID
	Email         string
	EmailVerified bool
	PendingEmail  *string
	Name          *string
	Locale        *string
	Roles         []Role
	Status        UserStatus
	CreatedAt     time.Time
	UpdatedAt     time.Time

	SignedIn uuid.UUID // the session that the answer has just begun or renewed; not part of the schema
}

// OwnerID returns the user's own id.
func (u *User) OwnerID() uuid.UUID { return u.ID }

// userOf converts a row.
func userOf(row *ent.User) *User {
	roles := make([]Role, len(row.Roles))
	for i, r := range row.Roles {
		roles[i] = Role(r)
	}
	return &User{
		ID:            row.ID,
		Email:         row.Email,
		EmailVerified: row.EmailVerified,
		PendingEmail:  row.PendingEmail,
		Name:          row.Name,
		Locale:        row.Locale,
		Roles:         roles,
		Status:        UserStatus(row.Status),
		CreatedAt:     row.CreatedAt.UTC(),
		UpdatedAt:     row.UpdatedAt.UTC(),
	}
}

// roleNames returns roles as a row stores them: sorted, each once.
func roleNames(roles ...Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
