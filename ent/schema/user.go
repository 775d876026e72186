// Package schema holds the tables: columns, indexes and edges, and no behaviour. Every rule about them is in
// internal/accounts.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"github.com/google/uuid"
)

// User is an account.
type User struct{ ent.Schema }

// Annotations of User.
func (User) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "users"}}
}

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.String("email").Unique().Comment("folded; one account an address"),
		field.Bool("email_verified").Default(false),
		field.String("name").Optional().Nillable(),
		field.String("password_hash").Sensitive().Comment("Argon2id in PHC form"),
		field.Int("credential_generation").Default(0).
			Comment("how many credentials came before: known devices end with theirs"),
		field.Strings("roles").Comment("GraphQL's Role values, sorted, each once"),
		field.String("status").Comment("GraphQL's UserStatus value"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("sessions", Session.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}
