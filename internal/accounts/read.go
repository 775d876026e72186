package accounts

import (
	"slices"

	"github.com/gatehouse/gatehouse/ent"
)

// userOf turns a row into what the outside may see.
func userOf(row *ent.User) *User {
	roles := make([]Role, len(row.Roles))
	for i, r := range row.Roles {
		roles[i] = Role(r)
	}
	return &User{
		ID:            row.ID,
		Email:         row.Email,
		EmailVerified: row.EmailVerified,
		Name:          row.Name,
		Roles:         roles,
		Status:        UserStatus(row.Status),
		CreatedAt:     row.CreatedAt.UTC(),
		UpdatedAt:     row.UpdatedAt.UTC(),
	}
}

// roleNames returns roles as a row keeps them: sorted, each once.
func roleNames(roles ...Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
