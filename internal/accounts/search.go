package accounts

import (
	"context"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
)

// searchWindow is how many users a search reads at first in the order of the list.
const searchWindow = 1000

// lastRune is above each rune that an address may have.
const lastRune = "\U0010FFFF"

// isRare reports whether an index holds the users that the filter selects, whatever is searched for among them.
func (p UserPage) isRare() bool {
	return p.Status != nil && *p.Status != StatusActive || p.Role != nil && *p.Role == RoleAdmin
}

func (p UserPage) filter() []predicate.User {
	var all []predicate.User
	if prefixes := p.addressPrefixes(); len(prefixes) > 0 {
		all = append(all, emailBegins(prefixes, !p.isRare()))
	}
	if p.Status != nil {
		all = append(all, hasStatus(*p.Status))
	}
	if p.Role != nil {
		all = append(all, hasRole(*p.Role))
	}
	return all
}

// addressPrefixes returns the beginnings that select the addresses of a search, none when all are meant: the text, and
// what foldAddress makes of such an address in whatever spelling, if that differs.
func (p UserPage) addressPrefixes() []string {
	if p.Search == nil || strings.TrimSpace(*p.Search) == "" {
		return nil
	}
	prefixes := []string{foldLocal(strings.TrimSpace(*p.Search))}
	if folded, ok := foldPrefix(*p.Search); ok && folded != prefixes[0] {
		prefixes = append(prefixes, folded)
	}
	return prefixes
}

// emailBegins matches addresses that begin with one of the prefixes, as ranges of bytes. LIKE would say the same, but
// finds no index on SQLite. An address inside of COALESCE is not looked up in the index.
func emailBegins(prefixes []string, byIndex bool) predicate.User {
	return func(s *entsql.Selector) {
		from, below, email := " >= ", " < ", "email"
		if s.Dialect() == dialect.Postgres { // these are of text_pattern_ops
			from, below = " ~>=~ ", " ~<~ "
		}
		if !byIndex {
			email = "COALESCE(email, email)"
		}
		var ranges []*entsql.Predicate
		for _, prefix := range prefixes {
			ranges = append(ranges, entsql.P(func(b *entsql.Builder) {
				b.WriteString(email + from).Arg(prefix).WriteString(" AND " + email + below).Arg(prefix + lastRune)
			}))
		}
		s.Where(entsql.Or(ranges...))
	}
}

// findUsers reads a page and one more.
//
// Many addresses may begin with what is searched for, or few. Of many, a page is met soon by reading the list in order;
// few are found by the index on addresses, and sorted. So both are tried, each further than before, and the
// cost is a multiple of the cheaper one. No statistics of the database decide: SQLite has none, and Postgres's do not
// know that addresses which begin alike may all be new.
func (s *Service) findUsers(ctx context.Context, p UserPage, b pageBounds) ([]*ent.User, error) {
	find := func(between predicate.User) ([]*ent.User, error) {
		return s.config.Client.User.Query().Where(p.filter()...).Where(between).Limit(b.size + 1).All(ctx)
	}
	prefixes := p.addressPrefixes()
	if len(prefixes) == 0 || p.isRare() {
		return find(b.inOrder)
	}
	for n := searchWindow; ; n *= 10 {
		rows, err := find(b.window(n))
		if err != nil || len(rows) > b.size {
			return rows, err
		}
		found, err := s.countUpTo(ctx, n, emailBegins(prefixes, true))
		if err != nil {
			return nil, err
		}
		if found <= n {
			return find(b.sorted)
		}
		if between, err := s.countUpTo(ctx, n, b.limit); err != nil || between <= n { // the window had all of them
			return rows, err
		}
	}
}

// inOrder passes users between the bounds, in the order of their ids, which an index has.
func (b pageBounds) inOrder(users *entsql.Selector) {
	b.limit(users)
	b.order(users, users.C(user.FieldID))
}

// sorted is inOrder for few users, which are sorted: no index has this order.
func (b pageBounds) sorted(users *entsql.Selector) {
	b.limit(users)
	b.order(users, "COALESCE(id, id)")
}

// window is inOrder for the first n users between the bounds.
func (b pageBounds) window(n int) predicate.User {
	return func(users *entsql.Selector) {
		first := entsql.Dialect(users.Dialect()).Select().From(entsql.Table(user.Table)).Limit(n)
		b.inOrder(first)
		users.From(first.As(user.Table))
		b.order(users, users.C(user.FieldID))
	}
}

// limit passes users between the bounds.
func (b pageBounds) limit(users *entsql.Selector) {
	id := users.C(user.FieldID)
	if b.after != nil {
		users.Where(entsql.GT(id, *b.after))
	}
	if b.before != nil {
		users.Where(entsql.LT(id, *b.before))
	}
}

func (b pageBounds) order(users *entsql.Selector, by string) {
	if b.backward {
		by += " DESC"
	}
	users.OrderExpr(entsql.Expr(by))
}

// CountUsers returns how many accounts match a connection's filter, on all pages, and Config.MaxCount when there are
// more: see CountsAllUsers.
func (s *Service) CountUsers(ctx context.Context, c *UserConnection) (int32, error) {
	n, err := s.countUsers(ctx, c)
	return int32(min(n, s.config.MaxCount)), err
}

// CountsAllUsers reports whether CountUsers has counted all of them.
func (s *Service) CountsAllUsers(ctx context.Context, c *UserConnection) (bool, error) {
	n, err := s.countUsers(ctx, c)
	return n <= s.config.MaxCount, err
}

// countUsers counts once for a connection.
func (s *Service) countUsers(ctx context.Context, c *UserConnection) (int, error) {
	c.count.Do(func() { c.counted, c.countErr = s.countUpTo(ctx, s.config.MaxCount, c.filter...) })
	return c.counted, c.countErr
}

// countUpTo counts the users that match, and stops above the limit: limit + 1 are more than the limit.
func (s *Service) countUpTo(ctx context.Context, limit int, filter ...predicate.User) (int, error) {
	return s.config.Client.User.Query().Where(func(all *entsql.Selector) {
		some := entsql.Dialect(all.Dialect()).Select(user.FieldID).From(entsql.Table(user.Table)).Limit(limit + 1)
		for _, matches := range filter {
			matches(some)
		}
		all.From(some.As(user.Table))
	}).Count(ctx)
}
