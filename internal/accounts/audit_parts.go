package accounts

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
)

// What an audit row says of persons is in two parts: of whose account it concerns, and of who acted. Each is erased by
// itself, and leaves its commitment.
const (
	userPart = 1 << iota // bits of a set of parts
	actorPart
)

// auditSaltLen is so long that nobody finds by trying out what a commitment was made of.
const auditSaltLen = 16

func newAuditSalt() []byte {
	salt := make([]byte, auditSaltLen)
	rand.Read(salt)
	return salt
}

// personal is what one part says. Its JSON is part of a commitment: were it written in another way, rows would appear
// as changed.
type personal struct {
	User      *uuid.UUID `json:"user,omitempty"`
	Session   *uuid.UUID `json:"session,omitempty"`
	IP        *string    `json:"ip,omitempty"`
	UserAgent *string    `json:"userAgent,omitempty"`
	RequestID *string    `json:"requestId,omitempty"`
	Before    *string    `json:"before,omitempty"`
	After     *string    `json:"after,omitempty"`
}

// auditPart is one of the parts. Exactly one of it and of its commitment is there; rows that a version without erasure
// wrote have no salt.
type auditPart struct {
	personal
	salt, commitment []byte
}

func userPartOf(row *ent.AuditEvent) auditPart {
	of := personal{User: row.UserID, Session: row.SessionID, Before: row.Before, After: row.After}
	return auditPart{of, row.UserSalt, row.UserErased}
}

func actorPartOf(row *ent.AuditEvent) auditPart {
	of := personal{User: row.ActorID, Session: row.ActorSessionID, IP: row.IP, UserAgent: row.UserAgent, RequestID: row.RequestID}
	return auditPart{of, row.ActorSalt, row.ActorErased}
}

func (p auditPart) isErased() bool { return len(p.commitment) > 0 }

// isHalfErased reports whether something is there beside the commitment that replaces it.
func (p auditPart) isHalfErased() bool {
	return p.isErased() && (p.personal != personal{} || len(p.salt) > 0)
}

// commit returns the commitment: SHA-256 of the salt and of what is said. Without the salt it tells nothing.
func (p auditPart) commit() []byte {
	if p.isErased() {
		return p.commitment
	}
	text, _ := json.Marshal(p.personal) // ids and texts: it cannot fail
	hash := sha256.Sum256(slices.Concat(p.salt, text))
	return hash[:]
}

// erasedParts are those that are erased of a row.
func erasedParts(row *ent.AuditEvent) (parts byte) {
	if userPartOf(row).isErased() {
		parts |= userPart
	}
	if actorPartOf(row).isErased() {
		parts |= actorPart
	}
	return parts
}

// auditLeaf is the hash of a row in a seal of the second form: of what stays, and of the commitments of what may be
// erased. So it is the same before and after.
func auditLeaf(row *ent.AuditEvent) [sha256.Size]byte {
	text, _ := json.Marshal(struct { // as above
		User     string    `json:"user"`
		Actor    string    `json:"by"`
		ID       uuid.UUID `json:"id"`
		Kind     string    `json:"kind"`
		Capacity string    `json:"actor"`
		Operator *string   `json:"operator,omitempty"`
		Detail   *string   `json:"detail,omitempty"`
		Omitted  int       `json:"omitted"`
	}{hex.EncodeToString(userPartOf(row).commit()), hex.EncodeToString(actorPartOf(row).commit()), row.ID, row.Kind,
		row.Actor, row.Operator, row.Detail, row.Omitted})
	return sha256.Sum256(text)
}
