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
// Prometheus until a restart. So there are at most a hundred, and only an operation of a signed-in caller that was
// answered without errors is added.
type names struct {
	mu    sync.RWMutex
	known map[string]struct{}
}

func newNames() *names { return &names{known: map[string]struct{}{}} }

// of returns the label of an operation: "" when there was none, its name, or the first field of one without a name and
// of an anonymous caller's.
func (n *names) of(o graphqlhttp.RequestStats, signedIn bool) string {
	switch {
	case o.Type == "":
		return ""
	case o.Name != "" && (n.has(o.Name) || signedIn && n.add(o)):
		return o.Name
	case o.Name == "" || !signedIn:
		return o.Field
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
	if len(o.Errors) > 0 || len(o.Name) > maxNameLen {
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
