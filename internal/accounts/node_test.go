package accounts_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
)

// TestNode_ReadsAsMuchForAnothersObjectAsForNone: how long it takes tells nobody whether an id is another's.
func TestNode_ReadsAsMuchForAnothersObjectAsForNone(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ann, bob := h.must(h.register("ann@example.com", goodPassword)), h.must(h.register("bob@example.com", goodPassword))
		instance, m := h.metered()
		find := func(id uuid.UUID) (node accounts.Node, statements int) {
			sent := m.count(func() { node = must(instance.Node(t.Context(), ann.Viewer, id)) })
			return node, len(sent)
		}
		_, none := find(uuid.New())
		for what, id := range map[string]uuid.UUID{"user": bob.User.ID, "session": bob.Viewer.SessionID} {
			if node, statements := find(id); statements != none {
				t.Errorf("bob's %s: %v, %d statements, and %d for an id of nothing", what, node, statements, none)
			}
		}
		for what, id := range map[string]uuid.UUID{"user": ann.User.ID, "session": ann.Viewer.SessionID} {
			if node, statements := find(id); node == nil || node.OwnerID() != ann.User.ID || statements == 0 {
				t.Errorf("ann's %s: %v, %d statements", what, node, statements)
			}
		}
	})
}
