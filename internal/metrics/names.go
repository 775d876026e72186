package metrics

import (
	"sync"

	"github.com/gatehouse/gatehouse/internal/graphqlhttp"
)

const (
	maxNames   = 100
	maxNameLen = 64 // bytes
	otherNames = "other"
)

// names decides which operations are counted by name. A name is a client's text, and each costs memory here and in
// Prometheus until a restart. So there are at most a hundred, and only an operation that was answered without errors is
// added. { __typename } and its like are not, so that a client without an account cannot fill the list.
type names struct {
	mu    sync.RWMutex
	known map[string]struct{}
}

func newNames() *names { return &names{known: map[string]struct{}{}} }

// of returns the label of an operation: its name, the first field of one without a name, "" when there was none.
func (n *names) of(o graphqlhttp.RequestStats) string {
	switch {
	case o.Type == "":
		return ""
	case o.Name == "":
		return o.Field
	case n.has(o.Name) || n.add(o):
		return o.Name
	}
	return otherNames
}

func (n *names) has(name string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	_, ok := n.known[name]
	return ok
}

func (n *names) add(o graphqlhttp.RequestStats) bool {
	if len(o.Errors) > 0 || len(o.Name) > maxNameLen || len(o.Field) > 1 && o.Field[:2] == "__" {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.known[o.Name]; !ok && len(n.known) >= maxNames {
		return false
	}
	n.known[o.Name] = struct{}{}
	return true
}
