package allfeatures

import (
	"slices"
	"time"
)

// Viewer is the caller, as package authz asks for one.
type Viewer struct {
	ID              string
	Roles           []string
	Scopes          []string
	Restrict        bool // to the scopes
	AuthTime        time.Time
	TwoFactors      bool
	AnonymousReason string
	CheckErr        error
}

func (v *Viewer) SignedIn() bool             { return v.AnonymousReason == "" }
func (v *Viewer) HasRole(r string) bool      { return slices.Contains(v.Roles, r) }
func (v *Viewer) HasScope(s string) bool     { return slices.Contains(v.Scopes, s) }
func (v *Viewer) Restricted() bool           { return v.Restrict }
func (v *Viewer) AuthenticatedAt() time.Time { return v.AuthTime }
func (v *Viewer) MFA() bool                  { return v.TwoFactors }
func (v *Viewer) Reason() string             { return v.AnonymousReason }
func (v *Viewer) Err() error                 { return v.CheckErr }

// IsAuthor is what owner: AUTHOR means: the object is the viewer, or was written by them.
func IsAuthor(v *Viewer, object any) bool {
	author := ""
	switch o := object.(type) {
	case *Member:
		author = o.ID
	case *Post:
		author = deref(o.AuthorID)
	case *Draft:
		author = deref(o.AuthorID)
	case *Club:
		author = deref(o.AuthorID)
	}
	return author != "" && author == v.ID
}

// IsMember is what owner: MEMBER means.
func IsMember(v *Viewer, object any) bool {
	switch o := object.(type) {
	case *Draft:
		return v.ID != "" && slices.Contains(o.MemberIds, v.ID)
	case *Club:
		return v.ID != "" && slices.Contains(o.MemberIds, v.ID)
	case *Locker:
		return v.ID != "" && slices.Contains(o.MemberIds, v.ID)
	}
	return false
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
