package accounts

import (
	"context"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/ent/predicate"
	"github.com/gatehouse/gatehouse/ent/user"
)

// lastRune is above each rune that an address may have.
const lastRune = "\U0010FFFF"

// filter returns all conditions.
func (p UserPage) filter() []predicate.User {
	all := slices.Concat(p.rare(), p.verified(), p.created())
	if prefixes := p.addressPrefixes(); len(prefixes) > 0 {
		all = append(all, emailBegins(prefixes))
	}
	if p.Status != nil && *p.Status == StatusActive {
		all = append(all, hasStatus(StatusActive))
	}
	if p.Role != nil && *p.Role != RoleAdmin {
		all = append(all, hasRole(*p.Role))
	}
	return all
}

// rare returns the conditions that have an index of the users for whom they hold.
func (p UserPage) rare() (all []predicate.User) {
	if p.Status != nil && *p.Status != StatusActive {
		all = append(all, hasStatus(*p.Status))
	}
	if p.Role != nil && *p.Role == RoleAdmin {
		all = append(all, hasRole(RoleAdmin))
	}
	return all
}

// verified writes a comparison: SQLite looks nothing up for the name of a column alone.
func (p UserPage) verified() []predicate.User {
	if p.EmailVerified == nil {
		return nil
	}
	is := "email_verified = FALSE"
	if *p.EmailVerified {
		is = "email_verified = TRUE"
	}
	return []predicate.User{func(s *entsql.Selector) { s.Where(entsql.ExprP(is)) }}
}

func (p UserPage) created() (all []predicate.User) {
	if p.CreatedSince != nil {
		all = append(all, user.CreatedAtGTE(*p.CreatedSince))
	}
	if p.CreatedUntil != nil {
		all = append(all, user.CreatedAtLT(*p.CreatedUntil))
	}
	return all
}

// storable returns the first time from t on that a column can hold, in UTC: it has microseconds and years of four
// digits. It returns nil for nil.
func storable(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	held := t.UTC().Add(time.Microsecond - 1).Truncate(time.Microsecond)
	switch {
	case held.Before(first):
		held = first
	case held.After(last):
		held = last
	}
	return &held
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
// finds no index on SQLite.
func emailBegins(prefixes []string) predicate.User {
	return func(s *entsql.Selector) {
		from, below := " >= ", " < "
		if s.Dialect() == dialect.Postgres { // these are of text_pattern_ops
			from, below = " ~>=~ ", " ~<~ "
		}
		var ranges []*entsql.Predicate
		for _, prefix := range prefixes {
			ranges = append(ranges, entsql.P(func(b *entsql.Builder) {
				b.WriteString("email" + from).Arg(prefix).WriteString(" AND email" + below).Arg(prefix + lastRune)
			}))
		}
		s.Where(entsql.Or(ranges...))
	}
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
	c.count.Do(func() { c.countErr = s.countMatches(ctx, c) })
	return c.counted, c.countErr
}

func (s *Service) countMatches(ctx context.Context, c *UserConnection) (err error) {
	all := slices.DeleteFunc(c.page.readings(), reading.isWhole)
	if len(all) < 2 {
		c.counted, err = s.countUpTo(ctx, s.config.MaxCount, c.page.filter()...)
		return err
	}
	return s.through(ctx, all[0], all[1:], func(in predicate.User) (enough bool, err error) {
		c.counted, err = s.countUpTo(ctx, s.config.MaxCount, append(c.page.filter(), in)...)
		return c.counted > s.config.MaxCount, err
	})
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
