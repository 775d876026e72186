package token

import (
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestKeyedHash_DiffersWhereverItsInputDoes(t *testing.T) {
	of := func(key string, parts ...string) uuid.UUID {
		p := must(NewKeyedHash([]byte(strings.Repeat(key, 4)[:KeyedHashKeyLen])))
		return p.ID(parts...)
	}
	name := of("one key..", "account", "ada")
	again := of("one key..", "account", "ada")
	if again != name || name.Version() != 8 || name.Variant() != uuid.RFC4122 {
		t.Errorf("%v, then %v; version %d", name, again, name.Version())
	}
	for what, other := range map[string]uuid.UUID{
		"key":         of("two key..", "account", "ada"),
		"part":        of("one key..", "account", "eve"),
		"cut":         of("one key..", "accounta", "da"),
		"list":        of("one key..", "account3:ada"),
		"longer list": of("one key..", "account", "ada", ""),
	} {
		if other == name {
			t.Errorf("another %s gives the same name", what)
		}
	}
	if _, err := NewKeyedHash(nil); err == nil {
		t.Error("no key is a key")
	}
}
