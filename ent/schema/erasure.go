package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Erasure is an account that is gone, while other tables may still have something of its user. It goes when they have not.
type Erasure struct{ ent.Schema }

// Annotations of Erasure.
func (Erasure) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "erasures"}}
}

// Fields of Erasure.
func (Erasure) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable().Comment("the user's"),
		field.Strings("addresses").Immutable().Comment("that the account had, by which jobs are found"),
		field.Time("created_at").Immutable().Comment("when the account went"),
	}
}
