package accounts

import (
	"slices"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/token"
	"github.com/gatehouse/gatehouse/internal/viewer"
)

// checkAdministrator refuses a caller who may not act as an administrator: by the roles of the account, which the
// transaction holds, and by what the session has proved, which nothing takes away from it. Problems: FORBIDDEN,
// REAUTHENTICATION_REQUIRED.
func (s *Service) checkAdministrator(v *viewer.Viewer, caller *ent.User) error {
	switch {
	case !isAdmin(caller):
		return problem.New(problem.Forbidden, "Only administrators may do this.")
	case s.config.AdminMFA && !v.MFA():
		return problem.New(problem.ReauthenticationRequired, "Administrators need a second factor: prove it by reauthenticate.").
			With("mfa", true)
	}
	return nil
}

// actsAsAdministrator reports whether the role ADMIN counts in the viewer's session.
func (s *Service) actsAsAdministrator(v *viewer.Viewer) bool {
	return v.HasRole(string(RoleAdmin)) && (!s.config.AdminMFA || v.MFA())
}

// rolesIn returns those of a user's roles that count in a session: other services read them in its access tokens.
func (s *Service) rolesIn(amr token.AMR, roles []string) []string {
	if !s.config.AdminMFA || amr.MFA() {
		return roles
	}
	return slices.DeleteFunc(slices.Clone(roles), func(name string) bool { return name == string(RoleAdmin) })
}
