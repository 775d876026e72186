package fairqueue

import "slices"

// group is a caller with its waiting requests, or a group of callers that take turns.
type group struct {
	name    string
	size    int       // requests in it and below
	members []*group  // that have requests, in the order of their turns
	waiters []*waiter // of a caller, oldest first
}

func (g *group) push(path []string, w *waiter) {
	g.size++
	if len(path) == 0 {
		g.waiters = append(g.waiters, w)
		return
	}
	i := g.index(path[0])
	if i < 0 {
		i, g.members = len(g.members), append(g.members, &group{name: path[0]})
	}
	g.members[i].push(path[1:], w)
}

func (g *group) index(name string) int {
	return slices.IndexFunc(g.members, func(m *group) bool { return m.name == name })
}

// pop takes out the oldest request of the member whose turn it is, which then is the last of its group. A caller whose
// requests may not run misses no turn by that. It returns nil when there is no other.
func (g *group) pop(mayRun func(*waiter) bool) (w *waiter) {
	if len(g.waiters) > 0 && mayRun(g.waiters[0]) {
		g.size--
		w, g.waiters = g.waiters[0], g.waiters[1:]
		return w
	}
	for i, m := range g.members {
		if w := m.pop(mayRun); w != nil {
			g.size--
			g.members = append(slices.Delete(g.members, i, i+1), m)
			g.prune(len(g.members) - 1)
			return w
		}
	}
	return nil
}

// dropNewest takes out the newest request of the largest member, or of the group itself when that has as many of its own.
// Of equal members that is the last, as one is that has just come.
func (g *group) dropNewest() (w *waiter) {
	g.size--
	largest, size := -1, 0
	for i, m := range g.members {
		if m.size >= size {
			largest, size = i, m.size
		}
	}
	if n := len(g.waiters); n >= max(size, 1) {
		w, g.waiters = g.waiters[n-1], g.waiters[:n-1]
		return w
	}
	w = g.members[largest].dropNewest()
	g.prune(largest)
	return w
}

// remove takes out one request, and reports whether it was there.
func (g *group) remove(path []string, w *waiter) (ok bool) {
	if len(path) == 0 {
		i := slices.Index(g.waiters, w)
		if ok = i >= 0; ok {
			g.waiters = slices.Delete(g.waiters, i, i+1)
		}
	} else if i := g.index(path[0]); i >= 0 {
		ok = g.members[i].remove(path[1:], w)
		g.prune(i)
	}
	if ok {
		g.size--
	}
	return ok
}

// prune forgets a member without requests.
func (g *group) prune(i int) {
	if g.members[i].size == 0 {
		g.members = slices.Delete(g.members, i, i+1)
	}
}
