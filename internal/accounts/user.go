package accounts

import (
	"time"

	"github.com/google/uuid"
)

// Role is a value of GraphQL's enum Role.
type Role string

// What a user may do.
const (
	RoleUser  Role = "USER"
	RoleAdmin Role = "ADMIN"
)

// UserStatus is a value of GraphQL's enum UserStatus.
type UserStatus string

// Whether an account may be used.
const (
	StatusActive    UserStatus = "ACTIVE"
	StatusSuspended UserStatus = "SUSPENDED"
)

// User is an account as the outside may see it: it has no password hash, so that none can leak.
type User struct {
	ID            uuid.UUID
	Email         string
	EmailVerified bool
	Name          *string
	Roles         []Role
	Status        UserStatus
	CreatedAt     time.Time
	UpdatedAt     time.Time

	SignedIn uuid.UUID // the session that the answer has just begun or renewed; not part of the schema
}
