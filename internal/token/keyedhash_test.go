package token

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestKeyedHash_DiffersWhereverItsInputDoes(t *testing.T) {
	of := func(secret, use string, parts ...string) uuid.UUID {
		s := must(ParseSecret(strings.Repeat(secret, 4)))
		p := must(NewKeyedHash(s, use))
		return p.ID(parts...)
	}
	name := of("one secret", "tries", "account", "ada")
	again := of("one secret", "tries", "account", "ada")
	if again != name || name.Version() != 8 || name.Variant() != uuid.RFC4122 {
		t.Errorf("%v, then %v; version %d", name, again, name.Version())
	}
	for what, other := range map[string]uuid.UUID{
		"secret":      of("two secret", "tries", "account", "ada"),
		"use":         of("one secret", "else", "account", "ada"),
		"part":        of("one secret", "tries", "account", "eve"),
		"cut":         of("one secret", "tries", "accounta", "da"),
		"list":        of("one secret", "tries", "account3:ada"),
		"longer list": of("one secret", "tries", "account", "ada", ""),
	} {
		if other == name {
			t.Errorf("another %s gives the same name", what)
		}
	}
}
