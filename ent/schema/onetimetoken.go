package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"github.com/google/uuid"
)

// OneTimeToken is the token of a link in a mail, and of the code beside it; or the challenge of a sign-in that wants a
// second factor.
type OneTimeToken struct{ ent.Schema }

// Annotations of OneTimeToken.
func (OneTimeToken) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Annotation{Table: "one_time_tokens"}}
}

// Fields of OneTimeToken. There is no edge: a registration has no account yet, and each other use locks the account
// first.
func (OneTimeToken) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable().
			Comment("whose account; of an invitation, who invites; of a registration, its own id"),
		field.String("purpose").Immutable().Comment("what it is for, and nothing else"),
		field.Bytes("digest").Sensitive().Immutable().Comment("keyed digest of its text"),
		field.String("address").Immutable().
			Comment("to which the mail goes: a use proves that its owner reads it; of a challenge, the account's"),
		field.UUID("session_id", uuid.UUID{}).Optional().Nillable().Immutable().
			Comment("the session that asked, in which its code works; null: none"),
		field.String("roles").Optional().Nillable().Immutable().Comment("that an invitation gives, with a blank between"),
		field.String("locale").Optional().Nillable().Immutable().Comment("of the account that is to be made"),
		field.Int("attempts").Default(0).Comment("codes that were tried"),
		field.String("amr").Optional().Nillable().Immutable().Comment("of a challenge: what was proved, as a session has it"),
		field.Int("credential_generation").Optional().Nillable().Immutable().
			Comment("of a challenge: the account's, with which it ends"),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Comment("no use from then on; a day later the row is deleted"),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Indexes of OneTimeToken. The last one finds what has expired of one purpose, among all that are stored for a day
// still.
func (OneTimeToken) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("address"), index.Fields("expires_at"),
		index.Fields("purpose", "expires_at")}
}
