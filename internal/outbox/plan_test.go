package outbox_test

import (
	"context"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gatehouse/gatehouse/internal/dbtest"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

// TestClaim_ReadsNoBacklogOfOtherJobs: new jobs are found by an index without those that were begun, and the other way
// round. Else each claim would read all that fail, while a mail server is away.
func TestClaim_ReadsNoBacklogOfOtherJobs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, url string) {
		var explained explainingDriver
		h := newFixture(t, url, func(d dialect.Driver) dialect.Driver {
			explained = explainingDriver{d, d.(execer), &[]string{}}
			return explained
		})
		for range 10 {
			h.add(h.db.Client, "mail")
		}
		h.db.Client.Job.Update().SetAttempt(1).ExecX(t.Context())
		for range 500 {
			h.add(h.db.Client, "mail")
		}
		if h.db.Shared() {
			testenv.Check(t, explained.Exec(t.Context(), "ANALYZE jobs", []any{}, nil))
		}
		*explained.plans = nil
		_, err := h.instance(succeed).Claim(t.Context(), 20)
		testenv.Check(t, err)
		_, err = h.instance(succeed).Stats(t.Context())
		testenv.Check(t, err)
		plans := strings.Join(*explained.plans, "\n")
		for _, index := range []string{"jobs_fresh", "jobs_begun"} {
			if strings.Count(plans, "Scan using "+index)+strings.Count(plans, "USING INDEX "+index) == 0 {
				t.Errorf("no claim uses %s:\n%s", index, plans)
			}
		}
	})
}

// explainingDriver notes the plan of each UPDATE.
type explainingDriver struct {
	dialect.Driver
	execer
	plans *[]string
}

func (d explainingDriver) Exec(ctx context.Context, query string, args, v any) error {
	if strings.HasPrefix(query, "UPDATE") {
		if err := d.explain(ctx, query, args); err != nil {
			return err
		}
	}
	return d.Driver.Exec(ctx, query, args, v)
}

func (d explainingDriver) explain(ctx context.Context, query string, args any) error {
	explain, line := "EXPLAIN ", ""
	into := []any{&line}
	if d.Dialect() == dialect.SQLite {
		explain, into = "EXPLAIN QUERY PLAN ", []any{new(int), new(int), new(int), &line}
	}
	var rows entsql.Rows
	if err := d.Query(ctx, explain+query, args, &rows); err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		*d.plans = append(*d.plans, line)
	}
	return rows.Err()
}
