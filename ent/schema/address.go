package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// Address is an e-mail address that an account has: the one place where addresses are unique. It has no edge, and no index
// but that of its key, so that it can be divided by address where users are divided by their ids.
type Address struct{ ent.Schema }

// Annotations of Address.
func (Address) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "addresses"}}
}

// Fields of Address.
func (Address) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").StorageKey("address").Immutable().Comment("folded"),
		field.UUID("user_id", uuid.UUID{}).Immutable(),
	}
}
