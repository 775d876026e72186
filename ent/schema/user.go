// Package schema holds the tables: columns, indexes and edges, and no behaviour. Every rule about them is in
// internal/accounts.
package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
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
		field.String("email").Comment("folded; one account an address"),
		field.Bool("email_verified").Default(false),
		field.String("pending_email").Optional().Nillable().Comment("folded: what it is to be, once confirmed"),
		field.String("name").Optional().Nillable(),
		field.String("locale").Optional().Nillable().Comment("language tag (BCP 47)"),
		field.String("password_hash").Sensitive().Comment("Argon2id in PHC form"),
		field.Int("credential_generation").Default(0).
			Comment("how many credentials came before: known devices end with theirs"),
		field.Int("email_proved_generation").Optional().Nillable().
			Comment("the credential_generation whose holder has shown that they read the mail of the address"),
		field.Int("factor_generation").Default(0).
			Comment("how often the second factors changed: 0 is an account that never had one, and so costs no look at them"),
		field.Bytes("passkey_handle").Optional().
			Comment("random: how authenticators name the account; null until it makes a passkey"),
		field.Strings("roles").Comment("GraphQL's Role values, sorted, each once"),
		field.String("status").Comment("GraphQL's UserStatus value"),
		field.Time("erase_at").Optional().Nillable().Comment("of a deleted account: when it is erased"),
		field.Bool("restorable").Optional().Nillable().Comment("of a deleted account: a sign-in takes the deletion back"),
		field.Time("created_at").Immutable(),
		field.Time("updated_at"),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("sessions", Session.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("totp_factors", TotpFactor.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("recovery_codes", RecoveryCode.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("access_tokens", AccessToken.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
		edge.To("passkeys", Passkey.Type).Annotations(entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of User. The one on addresses compares bytes, also where Postgres orders text by a language, so that it finds
// prefixes, and sorts as SQLite does. The others have the order of a list of users by creation: of all, of those whose
// address is confirmed or is not, and of what is rare. A query has to repeat the conditions of these word for word:
// SQLite uses no partial index otherwise. Not on id, which is made at another moment than created_at.
func (User) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("email").Unique().StorageKey("users_email_key").Annotations(entsql.OpClass("text_pattern_ops")),
		index.Fields("created_at", "id").StorageKey("users_suspended").Annotations(entsql.IndexWhere("status = 'SUSPENDED'")),
		index.Fields("created_at", "id").StorageKey("users_deleted").Annotations(entsql.IndexWhere("status = 'DELETED'")),
		index.Fields("created_at", "id").StorageKey("users_created"),
		index.Fields("email_verified", "created_at", "id").StorageKey("users_verified"),
		index.Fields("erase_at").StorageKey("users_erasures").Annotations(entsql.IndexWhere("erase_at IS NOT NULL")),
		index.Fields("created_at", "id").StorageKey("users_administrators").
			Annotations(entsql.IndexWhere(`CAST(roles AS text) LIKE '%"ADMIN"%'`)),
	}
}
