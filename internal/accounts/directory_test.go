package accounts_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
)

func TestUsers_PagesShowEveryUserOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		var want []string
		for i := range 7 {
			email := fmt.Sprintf("user%d@example.com", i)
			h.must(h.register(email, goodPassword))
			want = append(want, email)
		}
		for _, size := range []int{1, 2, 3, 6, 7, 8} {
			var got []string
			var after *string
			for pages := 0; ; pages++ {
				page := must(h.Users(t.Context(), accounts.UserPage{First: size, After: after}))
				for _, e := range page.Edges {
					got = append(got, e.Node.Email)
				}
				if page.PageInfo.HasPreviousPage != (pages > 0) {
					t.Errorf("size %d, page %d: hasPreviousPage is %v", size, pages, page.PageInfo.HasPreviousPage)
				}
				n := must(h.CountUsers(t.Context(), page))
				if n != 7 {
					t.Errorf("size %d, page %d: %d users in all, want 7", size, pages, n)
				}
				if !page.PageInfo.HasNextPage {
					break
				}
				after = page.PageInfo.EndCursor
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("size %d (-want +got):\n%s", size, diff)
			}
		}
	})
}

func TestUsers_SearchFindsAddressPrefixes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for _, email := range []string{"anna@example.com", "an_a@example.com", "bob@example.com", "zed%@example.com"} {
			h.must(h.register(email, goodPassword))
		}
		for search, want := range map[string]int{"": 4, "an": 2, "AN": 2, " anna": 1, "an_": 1, "%": 0, "zed%": 1, "na": 0, "example": 0, "' OR 1=1 --": 0, "a\x00": 0} {
			page, err := h.Users(t.Context(), accounts.UserPage{First: 10, Search: &search})
			if err != nil {
				wantProblem(t, search, err, problem.BadUserInput, "search")
				continue
			}
			if n := len(page.Edges); n != want {
				t.Errorf("%q: %d users, want %d", search, n, want)
			}
		}
	})
}

func TestUsers_PageSizeIsBounded(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register(ada, goodPassword))
		for _, first := range []int{1, 100} {
			if _, err := h.Users(t.Context(), accounts.UserPage{First: first}); err != nil {
				t.Errorf("first: %d: %v", first, err)
			}
		}
		for _, first := range []int{0, -1} {
			_, err := h.Users(t.Context(), accounts.UserPage{First: first})
			wantProblem(t, fmt.Sprint(first), err, problem.BadUserInput, "first")
		}
		_, err := h.Users(t.Context(), accounts.UserPage{First: 101})
		if p := wantProblem(t, "101", err, problem.LimitExceeded, ""); p.Limit != "page" {
			t.Errorf("the limit is called %q", p.Limit)
		}
		for _, cursor := range []string{"", "x", "AAAA", "AaII4H8-emGMF7s8fS52zwA", "' OR 1=1 --"} {
			_, err := h.Users(t.Context(), accounts.UserPage{First: 1, After: &cursor})
			wantProblem(t, cursor, err, problem.BadUserInput, "after")
		}
	})
}

func TestUser_UnknownIsNil(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		p := h.must(h.register(ada, goodPassword))
		got := must(h.User(t.Context(), p.User.ID))
		wantEqual(t, "the answer", p.User, got, account)
		for _, id := range []uuid.UUID{uuid.Nil, uuid.New()} {
			if got, err := h.User(t.Context(), id); err != nil || got != nil {
				t.Errorf("%v: %v, %v; want nil", id, got, err)
			}
		}
	})
}
