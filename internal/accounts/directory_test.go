package accounts_test

import (
	"encoding/base64"
	"fmt"
	"strings"
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
		for _, first := range []int{0, 1, 100} {
			if _, err := h.Users(t.Context(), accounts.UserPage{First: first}); err != nil {
				t.Errorf("first: %d: %v", first, err)
			}
		}
		none, err := h.Users(t.Context(), accounts.UserPage{First: 0})
		if err != nil || len(none.Edges) != 0 || !none.PageInfo.HasNextPage || none.PageInfo.EndCursor != nil {
			t.Errorf("first: 0: %+v, %v", none, err)
		}
		for _, first := range []int{-1, -100, 101, 1 << 30} {
			_, err := h.Users(t.Context(), accounts.UserPage{First: first})
			wantProblem(t, fmt.Sprint(first), err, problem.BadUserInput, "first")
		}
		for _, cursor := range []string{"", "x", "AAAA", "AaII4H8-emGMF7s8fS52zwA", "' OR 1=1 --",
			base64.RawURLEncoding.EncodeToString(make([]byte, 16)) + "\n",
			"AAAA\r\n" + base64.RawURLEncoding.EncodeToString(make([]byte, 13))} {
			_, err := h.Users(t.Context(), accounts.UserPage{First: 1, After: &cursor})
			wantProblem(t, cursor, err, problem.BadUserInput, "after")
		}
	})
}

func TestUsers_SearchFindsEverySpellingThatLoginAccepts(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register("ann@bücher.example", goodPassword))
		for search, want := range map[string]int{
			"ann@bücher.example": 1, "ANN@BÜCHER.example": 1, "ann@xn--bcher-kva.example": 1, "ann@": 1, "ann@xn--": 1,
			"bob@bücher.example": 0, "ann@bucher.example": 0,
		} {
			page, err := h.Users(t.Context(), accounts.UserPage{First: 10, Search: &search})
			if err != nil || len(page.Edges) != want {
				t.Errorf("%s: %v, %v; want %d", search, page, err, want)
			}
		}
		for _, n := range []int{1, 254, 1016, 1017, 50_000, 100_000} {
			search := strings.Repeat("a", n)
			_, err := h.Users(t.Context(), accounts.UserPage{First: 1, Search: &search})
			if n <= 1016 {
				check(t, err)
			} else {
				wantProblem(t, fmt.Sprint(n), err, problem.BadUserInput, "search")
			}
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
