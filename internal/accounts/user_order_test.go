package accounts_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

var userOrders = []accounts.UserOrder{
	{}, {Direction: accounts.Descending},
	{Field: accounts.OrderByEmail}, {Field: accounts.OrderByEmail, Direction: accounts.Descending},
}

// firstCreated is when the first user of fill was made.
var firstCreated = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// userFilters are each value of each filter, times at the borders of few and of many users, and some together.
func userFilters(users int) []accounts.UserFilter {
	late, latest := ptr(createdAt(users*3/4)), ptr(createdAt(users-10).Add(time.Nanosecond))
	yes, no, admin := ptr(true), ptr(false), ptr(accounts.RoleAdmin)
	return []accounts.UserFilter{
		{},
		{Status: ptr(accounts.StatusActive)}, {Status: ptr(accounts.StatusSuspended)}, {Status: ptr(accounts.StatusDeleted)},
		{Role: ptr(accounts.RoleUser)}, {Role: admin}, {EmailVerified: yes}, {EmailVerified: no},
		{CreatedSince: late}, {CreatedSince: latest}, {CreatedUntil: late}, {CreatedUntil: ptr(createdAt(7))},
		{CreatedSince: ptr(time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)))},
		{CreatedUntil: ptr(time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -7200)))},
		{Role: admin, Status: ptr(accounts.StatusSuspended), EmailVerified: no},
		{CreatedSince: late, CreatedUntil: latest, EmailVerified: yes},
		{CreatedSince: latest, CreatedUntil: late},
		{Status: ptr(accounts.StatusActive), Role: ptr(accounts.RoleUser), CreatedUntil: late, EmailVerified: no},
	}
}

func createdAt(n int) time.Time {
	return firstCreated.Add(time.Duration(n/5) * 300_001 * time.Microsecond) // of five users at a time
}

// fill makes users. Their addresses are random, with signs that languages sort in other ways than bytes; those of the
// last thousand begin with new, and of the first with old. Few are suspended, deleted, administrators, and confirmed,
// but for the last.
func (h *fixture) fill(r *rand.Rand, users int) (all []*ent.User) {
	h.t.Helper()
	for first := 0; first < users; first += 500 {
		var some []*ent.UserCreate
		for n := first; n < min(users, first+500); n++ {
			some = append(some, h.newUser(r, n, users))
		}
		all = append(all, h.db.Client.User.CreateBulk(some...).SaveX(h.t.Context())...)
	}
	return all
}

// newUser is the n-th of so many.
func (h *fixture) newUser(r *rand.Rand, n, of int) *ent.UserCreate {
	begins := []string{"old", "all", "even", "new"}[n*4/of]
	signs := []rune("ab-_+1é~z")
	for range r.IntN(4) {
		begins += string(signs[r.IntN(len(signs))])
	}
	status, roles := accounts.StatusActive, []string{"USER"}
	switch r.IntN(60) {
	case 0:
		status = accounts.StatusSuspended
	case 1:
		status = accounts.StatusDeleted
	case 2:
		roles = []string{"ADMIN", "USER"}
	}
	var id uuid.UUID
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	return h.db.Client.User.Create().SetID(id).SetEmail(fmt.Sprintf("%s.%d@example.com", begins, n)).
		SetEmailVerified(n > of-50 || r.IntN(50) == 0).SetPasswordHash("$argon2id$v=19$").SetRoles(roles).
		SetStatus(string(status)).SetCreatedAt(createdAt(n)).SetUpdatedAt(createdAt(n))
}

// listed returns the ids of a whole list, by the definition of its order and conditions.
func listed(users []*ent.User, p accounts.UserPage) []uuid.UUID {
	ids := []uuid.UUID{}
	for _, u := range slices.SortedFunc(slices.Values(users), func(a, b *ent.User) int {
		by := cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID.String(), b.ID.String()))
		if p.Field == accounts.OrderByEmail {
			by = strings.Compare(a.Email, b.Email)
		}
		if p.Direction == accounts.Descending {
			return -by
		}
		return by
	}) {
		if matches(u, p) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

func matches(u *ent.User, p accounts.UserPage) bool {
	return (p.Search == nil || strings.HasPrefix(u.Email, *p.Search)) &&
		(p.Status == nil || u.Status == string(*p.Status)) &&
		(p.Role == nil || slices.Contains(u.Roles, string(*p.Role))) &&
		(p.EmailVerified == nil || u.EmailVerified == *p.EmailVerified) &&
		(p.CreatedSince == nil || !u.CreatedAt.Before(*p.CreatedSince)) &&
		(p.CreatedUntil == nil || u.CreatedAt.Before(*p.CreatedUntil))
}

func ids(edges []*accounts.UserEdge) []uuid.UUID {
	all := []uuid.UUID{}
	for _, e := range edges {
		all = append(all, e.Node.ID)
	}
	return all
}

// TestUsers_PagesAreThoseOfTheSortedList: which users a page has does not depend on how they are found, whether those
// who match are many or few, spread or together, old or new.
func TestUsers_PagesAreThoseOfTheSortedList(t *testing.T) {
	seed := rand.Uint64()
	eachDatabase(t, func(t *testing.T, h *fixture) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		users := h.fill(r, 3500)
		for _, order := range userOrders {
			for _, filter := range userFilters(len(users)) {
				searches := []string{"", "a", "ol", "even", "new", "all-", "nobody", "newz", "\U0010FFFF", "new1@bü.exa"}
				for _, search := range []string{"", searches[r.IntN(len(searches))]} {
					p := accounts.UserPage{UserOrder: order, UserFilter: filter, Search: &search}
					h.wantPages(r, p, listed(users, p))
				}
			}
		}
	})
}

// wantPages asks for the first and the last page of a list, and for two beside a random cursor.
func (h *fixture) wantPages(r *rand.Rand, p accounts.UserPage, want []uuid.UUID) {
	h.t.Helper()
	ask := func(page accounts.Page, want []uuid.UUID) *accounts.UserConnection {
		h.t.Helper()
		p.Page = page
		got := must(h.Users(h.t.Context(), p))
		wantEqual(h.t, fmt.Sprintf("%+v, search %q", p, *p.Search), want, ids(got.Edges))
		return got
	}
	const size = 100
	from, first := 0, ask(firstPage(size), want[:min(size, len(want))])
	wantEqual(h.t, "the count", int32(len(want)), must(h.CountUsers(h.t.Context(), first)))
	edges := first.Edges
	if last := ask(accounts.Page{Last: ptr[int32](size)}, want[max(0, len(want)-size):]); r.IntN(2) == 0 {
		from, edges = len(want)-len(last.Edges), last.Edges
	}
	if len(edges) == 0 {
		return
	}
	i, n := r.IntN(len(edges)), 1+r.IntN(40)
	cursor, at, some := &edges[i].Cursor, from+i, ptr(int32(n))
	ask(accounts.Page{After: cursor, First: some}, want[at+1:min(len(want), at+1+n)])
	ask(accounts.Page{Before: cursor, Last: some}, want[max(0, at-n):at])
}

// TestUsers_WalksHaveNoGapAndNoDouble while users come, go and change between the pages.
func TestUsers_WalksHaveNoGapAndNoDouble(t *testing.T) {
	seed := rand.Uint64()
	eachDatabase(t, func(t *testing.T, h *fixture) {
		t.Logf("seed %d", seed)
		r := rand.New(rand.NewPCG(seed, 0))
		for _, order := range userOrders {
			for _, backward := range []bool{false, true} {
				h.db.Client.User.Delete().ExecX(t.Context())
				users := h.fill(r, 40)
				added := 0
				met := h.walk(accounts.UserPage{UserOrder: order}, int32(1+r.IntN(9)), backward, func() {
					u := users[r.IntN(len(users))]
					switch added++; {
					case r.IntN(2) == 0:
						users = append(users, h.newUser(r, 40+added, 400).SaveX(t.Context()))
					case r.IntN(2) == 0:
						h.db.Client.User.UpdateOne(u).SetStatus("SUSPENDED").SetEmailVerified(true).ExecX(t.Context())
					default:
						h.db.Client.User.DeleteOne(u).ExecX(t.Context())
						users = slices.DeleteFunc(users, func(other *ent.User) bool { return other == u })
					}
				})
				stayed := listed(slices.DeleteFunc(slices.Clone(users), func(u *ent.User) bool { return !u.CreatedAt.Before(createdAt(40)) }),
					accounts.UserPage{UserOrder: order})
				what := fmt.Sprintf("%v, backward %v", order, backward)
				wantEqual(t, what+": twice", len(met), len(slices.Compact(slices.SortedFunc(slices.Values(met), func(a, b uuid.UUID) int {
					return strings.Compare(a.String(), b.String())
				}))))
				wantEqual(t, what, stayed, slices.DeleteFunc(met, func(id uuid.UUID) bool { return !slices.Contains(stayed, id) }))
			}
		}
	})
}

// walk returns the users of all pages of a list, in its order, and calls between after each page.
func (h *fixture) walk(p accounts.UserPage, size int32, backward bool, between func()) (met []uuid.UUID) {
	for {
		p.First, p.Last = &size, nil
		if backward {
			p.First, p.Last = nil, &size
		}
		page := must(h.Users(h.t.Context(), p))
		if backward {
			met, p.Before = append(ids(page.Edges), met...), page.PageInfo.StartCursor
		} else {
			met, p.After = append(met, ids(page.Edges)...), page.PageInfo.EndCursor
		}
		if backward && !page.PageInfo.HasPreviousPage || !backward && !page.PageInfo.HasNextPage {
			return met
		}
		between()
	}
}

// TestUsers_CursorsOfAnotherListAreRefused: of one with another order or filter, and forged ones; not of another search.
func TestUsers_CursorsOfAnotherListAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.fill(rand.New(rand.NewPCG(1, 1)), 400)
		var lists []accounts.UserPage
		for _, order := range userOrders {
			for _, filter := range userFilters(400) {
				lists = append(lists, accounts.UserPage{UserOrder: order, UserFilter: filter})
			}
		}
		for _, from := range lists {
			edges := must(h.Users(t.Context(), from)).Edges
			if len(edges) == 0 {
				continue
			}
			for i, to := range lists {
				search := "nobody"
				to.After, to.Search = &edges[0].Cursor, &search
				_, err := h.Users(t.Context(), to)
				if lists[i] == from {
					check(t, err)
				} else {
					wantProblem(t, fmt.Sprintf("%+v in %+v", from, to), err, problem.BadUserInput, "after")
				}
			}
		}
	})
}

// TestUsers_CursorFitsEachSpellingOfATime: another zone, and a moment between the same two microseconds.
func TestUsers_CursorFitsEachSpellingOfATime(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.fill(rand.New(rand.NewPCG(1, 1)), 400)
		list := func(since, until time.Time) accounts.UserPage {
			return accounts.UserPage{UserFilter: accounts.UserFilter{CreatedSince: &since, CreatedUntil: &until}}
		}
		since, until := createdAt(50), createdAt(300)
		cursor := must(h.Users(t.Context(), list(since, until))).Edges[0].Cursor
		zone, bit := time.FixedZone("", 5400), -300*time.Nanosecond
		for what, p := range map[string]accounts.UserPage{
			"another zone":         list(since.In(zone), until.In(zone)),
			"the same microsecond": list(since.Add(bit), until.Add(bit)),
		} {
			p.After = &cursor
			_, err := h.Users(t.Context(), p)
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		for what, p := range map[string]accounts.UserPage{
			"a later time":          list(since.Add(time.Microsecond), until),
			"a year of five digits": list(since, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)),
		} {
			p.After = &cursor
			wantProblem(t, what, errOf(h.Users(t.Context(), p)), problem.BadUserInput, "after")
		}
	})
}
