package accounts

import (
	"time"

	"github.com/gatehouse/gatehouse/internal/viewer"
)

// AuthPayload is GraphQL's type of that name: the tokens of a session, and whose it is.
type AuthPayload struct {
	AccessToken  string
	TokenType    string // Bearer
	ExpiresIn    int    // seconds
	RefreshToken *string
	Device       *string // nil when it stays as it is
	User         *User

	RefreshExpiresAt time.Time // of RefreshToken; not part of the schema

	Viewer *viewer.Viewer // the caller that the tokens make; not part of the schema
}

// RegisterInput is GraphQL's input of that name.
type RegisterInput struct {
	Email    string
	Password string
	Name     *string
	Locale   *string
	Cookie   bool // how the refresh token is given is the door's matter
}

// LoginInput is GraphQL's input of that name.
type LoginInput struct {
	Email    string
	Password string
	Device   *string // default: viewer.Origin.Device
	Cookie   bool
}

// RefreshInput is GraphQL's input of that name.
type RefreshInput struct {
	RefreshToken *string
}

// LogoutPayload is GraphQL's type of that name.
type LogoutPayload struct {
	Success bool
}

// UpdateProfilePayload is GraphQL's type of that name.
type UpdateProfilePayload struct {
	User *User
}
