package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Revocation is the record that access tokens are no longer good before they expire. A trigger adds each
// new row to the log of changes.
type Revocation struct{ ent.Schema }

// Annotations of Revocation.
func (Revocation) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "revocations"}}
}

// Fields of Revocation. There is no edge: the record outlives the session and the account.
func (Revocation) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("user_id", uuid.UUID{}).Immutable(),
		field.UUID("session_id", uuid.UUID{}).Optional().Nillable().Immutable().
			Comment("the session that has ended; null when the user's rights changed"),
		field.Strings("roles").Optional().Immutable().Comment("the user's rights since then; null when a session has ended"),
		field.Time("at").Immutable().Comment("tokens issued before are meant"),
		field.Time("until").Immutable().Comment("when the last of these tokens has expired"),
	}
}

// Indexes of Revocation.
func (Revocation) Indexes() []ent.Index {
	return []ent.Index{index.Fields("until")}
}
