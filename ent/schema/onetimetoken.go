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

// Fields of OneTimeToken. There is no edge: each use locks the account first, and finds none that is gone.
func (OneTimeToken) Fields() []ent.Field {
	return []ent.Field{
		field.UUID("id", uuid.UUID{}).Immutable(),
		field.UUID("user_id", uuid.UUID{}).Immutable().Comment("whose account; of an invitation, who invites"),
		field.String("purpose").Immutable().Comment("what it is for, and nothing else"),
		field.Bytes("digest").Sensitive().Immutable().Comment("keyed digest of its text"),
		field.String("address").Immutable().Comment("whose owner it proves: the mail goes there; of a challenge, the account's"),
		field.UUID("session_id", uuid.UUID{}).Optional().Nillable().Immutable().
			Comment("the session that asked, in which its code works; null: none"),
		field.String("roles").Optional().Nillable().Immutable().Comment("that an invitation gives, with a blank between"),
		field.String("locale").Optional().Nillable().Immutable().Comment("of the account that is to be made"),
		field.Int("attempts").Default(0).Comment("codes that were tried"),
		field.String("amr").Optional().Nillable().Immutable().Comment("of a challenge: what was proved, as a session has it"),
		field.Int("credential_generation").Optional().Nillable().Immutable().
			Comment("of a challenge: the account's, with which it ends"),
		field.Time("created_at").Immutable(),
		field.Time("expires_at").Comment("at the latest, and when the next one of its purpose replaced it"),
		field.Time("used_at").Optional().Nillable(),
	}
}

// Indexes of OneTimeToken.
func (OneTimeToken) Indexes() []ent.Index {
	return []ent.Index{index.Fields("user_id"), index.Fields("address"), index.Fields("expires_at")}
}
