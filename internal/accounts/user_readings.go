package accounts

import (
	"context"
	"slices"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent"
	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
)

// firstWindow is how many users each way to find a page reads at first.
const firstWindow = 1000

// reading is what one index finds: users by conditions that it can look up, in its order.
type reading struct {
	where []predicate.User
	order *UserOrder // nil: in any
}

func (r reading) apply(users *entsql.Selector) {
	for _, matches := range r.where {
		matches(users)
	}
	if r.order != nil {
		r.order.sort(users)
	}
}

// window is a reading of the first n users that it finds.
func (r reading) window(n int) predicate.User {
	return func(users *entsql.Selector) {
		first := entsql.Dialect(users.Dialect()).Select().From(entsql.Table(user.Table)).Limit(n)
		r.apply(first)
		users.From(first.As(user.Table))
	}
}

func (r reading) isWhole() bool { return len(r.where) == 0 }

// readings returns the ways to find the users of a list.
func (p UserPage) readings() []reading {
	return append(p.readingsByCreation(), p.readingsByAddress()...)
}

// readingsByCreation are of the indexes in the order of creation: on all users, and on those of one condition.
func (p UserPage) readingsByCreation() (all []reading) {
	order := &UserOrder{Field: OrderByCreatedAt}
	for _, one := range append(p.rare(), p.verified()...) {
		all = append(all, reading{append(p.created(), one), order})
	}
	if len(all) == 0 {
		all = append(all, reading{p.created(), order})
	}
	return all
}

// readingsByAddress are of the index on addresses. Of two ranges it has no order.
func (p UserPage) readingsByAddress() []reading {
	whole := reading{order: &UserOrder{Field: OrderByEmail}}
	switch prefixes := p.addressPrefixes(); len(prefixes) {
	case 0:
		return []reading{whole}
	case 1:
		return []reading{{[]predicate.User{emailBegins(prefixes)}, whole.order}}
	default:
		return []reading{whole, {where: []predicate.User{emailBegins(prefixes)}}}
	}
}

// findUsers reads a page and one more.
func (s *Service) findUsers(ctx context.Context, p UserPage, b pageBounds) (rows []*ent.User, err error) {
	order := p.read(b)
	var own reading
	var others []reading
	for _, r := range p.readings() {
		switch {
		case r.order != nil && r.order.Field == order.Field && own.order == nil:
			own = reading{append(slices.Clone(r.where), p.between(b)), &order}
		case !r.isWhole():
			others = append(others, r)
		}
	}
	find := func(in predicate.User) (enough bool, err error) {
		rows, err = s.config.Client.User.Query().Where(in).Where(p.filter()...).Where(p.between(b), order.sort).
			Limit(b.size + 1).All(ctx)
		return len(rows) > b.size, err
	}
	if len(others) == 0 {
		_, err = find(func(*entsql.Selector) {})
	} else {
		err = s.through(ctx, own, others, find)
	}
	return rows, err
}

// through calls try with users until they are enough, or all that match are among them.
//
// Many users may match a condition, or few. Of many, enough are met soon in the order of the list; few are found by the
// index that has the condition. So all ways are tried, each further than before, and the cost is a multiple of the
// cheapest one. No statistics of the database decide: SQLite has none, and Postgres's do not know that addresses which
// begin alike may all be new.
func (s *Service) through(
	ctx context.Context, own reading, others []reading, try func(in predicate.User) (enough bool, err error),
) error {
	for n := firstWindow; ; n *= 10 {
		if enough, err := try(own.window(n)); err != nil || enough {
			return err
		}
		for _, other := range others {
			found, err := s.countUpTo(ctx, n, other.apply)
			if err != nil {
				return err
			}
			if found <= n {
				_, err := try(other.window(n + 1))
				return err
			}
		}
		if read, err := s.countUpTo(ctx, n, own.apply); err != nil || read <= n { // the window had all of them
			return err
		}
	}
}
