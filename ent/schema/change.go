package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// Change is a row of the log that each instance reads to drop from its caches what has changed. Triggers alone write
// it, in the transaction that changes a user, a session, a signing key or the revocations.
type Change struct{ ent.Schema }

// Annotations of Change.
func (Change) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "changes"}}
}

// Fields of Change. There is no edge: the row outlives the account.
func (Change) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("tx").Immutable().
			Comment("Postgres: the transaction that wrote the row; SQLite: random, so that another file's row differs"),
		field.UUID("user_id", uuid.UUID{}).Optional().Nillable().Immutable().
			Comment("whose account, rights or sessions changed; null: anybody's, or the signing keys"),
		field.Int("revocation_id").Optional().Nillable().Immutable().Comment("the new row of revocations, if that is it"),
	}
}

// Indexes of Change.
func (Change) Indexes() []ent.Index {
	return []ent.Index{index.Fields("tx")}
}
