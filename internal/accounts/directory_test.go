package accounts_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/accounts"
	"github.com/gatehouse/gatehouse/internal/problem"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

func firstPage(n int32) accounts.Page { return accounts.Page{First: &n} }

// TestUsers_PagesAreThoseOfRelay asks for every page of some users, and of none, and compares it with what the algorithm
// of Relay's specification makes of the list of all.
func TestUsers_PagesAreThoseOfRelay(t *testing.T) {
	theirs := cmpopts.IgnoreUnexported(accounts.UserConnection{})
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for users := range 5 {
			all := must(h.Users(t.Context(), accounts.UserPage{})).Edges
			if len(all) != users {
				t.Fatalf("%d of %d users on the first page", len(all), users)
			}
			for after := range users + 1 {
				for before := range users + 1 {
					for size := range int32(users + 2) {
						for _, p := range []accounts.Page{{First: &size}, {Last: &size}} {
							if after > 0 {
								p.After = &all[after-1].Cursor
							}
							if before > 0 {
								p.Before = &all[before-1].Cursor
							}
							got := must(h.Users(t.Context(), accounts.UserPage{Page: p}))
							wantEqual(t, fmt.Sprintf("%d users, %d after %d before %d, backward %v", users, size, after,
								before, p.Last != nil), relayPage(all, after, before, p), got, theirs)
							wantEqual(t, "the number of users", int32(users), must(h.CountUsers(t.Context(), got)))
						}
					}
				}
			}
			h.must(h.register(fmt.Sprintf("user%d@example.com", users), goodPassword))
		}
	})
}

// relayPage cuts a page out of a list, by the specification: after and before are positions from 1, 0 for no cursor.
func relayPage(all []*accounts.UserEdge, after, before int, p accounts.Page) *accounts.UserConnection {
	end := len(all)
	if before > 0 {
		end = before - 1
	}
	edges := all[after:max(after, end)]
	info := &accounts.PageInfo{HasPreviousPage: after > 0, HasNextPage: before > 0}
	if p.First != nil && len(edges) > int(*p.First) {
		edges, info.HasNextPage = edges[:*p.First], true
	}
	if p.Last != nil && len(edges) > int(*p.Last) {
		edges, info.HasPreviousPage = edges[len(edges)-int(*p.Last):], true
	}
	if len(edges) > 0 {
		info.StartCursor, info.EndCursor = &edges[0].Cursor, &edges[len(edges)-1].Cursor
	}
	return &accounts.UserConnection{Edges: edges, PageInfo: info}
}

func TestUsers_SearchFindsAddressPrefixes(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		for _, email := range []string{"anna@example.com", "an_a@example.com", "bob@example.com", "zed@example.com"} {
			h.must(h.register(email, goodPassword))
		}
		h.exec("UPDATE users SET email = 'zed%@example.com' WHERE email = 'zed@example.com'") // registered before such was refused
		for search, want := range map[string]int{"": 4, "an": 2, "AN": 2, " anna": 1, "an_": 1, "%": 0, "zed%": 1, "na": 0, "example": 0, "' OR 1=1 --": 0, "a\x00": 0} {
			page, err := h.Users(t.Context(), accounts.UserPage{Search: &search})
			if err != nil {
				wantProblem(t, search, err, problem.BadUserInput, "search")
				continue
			}
			testenv.Equal(t, want, len(page.Edges), "users found by %q", search)
		}
	})
}

func TestUsers_SizesAndCursorsAreRefused(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		ask := func(p accounts.Page) error {
			_, err := h.Users(t.Context(), accounts.UserPage{Page: p})
			return err
		}
		check(t, ask(accounts.Page{First: ptr[int32](100)}))
		check(t, ask(accounts.Page{Last: ptr[int32](100)}))
		for _, n := range []int32{-1, -100, 101, 1 << 30} {
			wantProblem(t, fmt.Sprint(n), ask(accounts.Page{First: &n}), problem.BadUserInput, "first")
			wantProblem(t, fmt.Sprint(n), ask(accounts.Page{Last: &n}), problem.BadUserInput, "last")
		}
		both := ask(accounts.Page{First: ptr[int32](1), Last: ptr[int32](1)})
		wantProblem(t, "first and last", both, problem.BadUserInput, "last")
		for _, cursor := range []string{"", "x", "AAAA", "AaII4H8-emGMF7s8fS52zwA", "' OR 1=1 --",
			base64.RawURLEncoding.EncodeToString(make([]byte, 16)) + "\n",
			"AAAA\r\n" + base64.RawURLEncoding.EncodeToString(make([]byte, 13))} {
			wantProblem(t, cursor, ask(accounts.Page{After: &cursor}), problem.BadUserInput, "after")
			wantProblem(t, cursor, ask(accounts.Page{Before: &cursor}), problem.BadUserInput, "before")
		}
	})
}

func TestUsers_SearchFindsEverySpellingThatLoginAccepts(t *testing.T) {
	eachDatabase(t, func(t *testing.T, h *fixture) {
		h.must(h.register("ann@bücher.example", goodPassword))
		for search, want := range map[string]int{
			"ann@bücher.example": 1, "ANN@BÜCHER.example": 1, "ann@xn--bcher-kva.example": 1, "ann@": 1, "ann@xn--": 1, "ａｎｎ": 1,
			"ann@xn--b":          1,
			"bob@bücher.example": 0, "ann@bucher.example": 0,
			"ann@Bücher": 1, "ANN@bücher.": 1, "ann@bücher.exa": 1, "ann@bücher.example.": 0, "ann@büche": 0, "bob@bücher": 0,
			"ann@bücher.exb": 0, "ann@bücher。ex": 1,
		} {
			page, err := h.Users(t.Context(), accounts.UserPage{Search: &search})
			if err != nil || len(page.Edges) != want {
				t.Errorf("%s: %v, %v; want %d", search, page, err, want)
			}
		}
		for _, n := range []int{1, 254, 1016, 1017, 50_000, 100_000} {
			search := strings.Repeat("a", n)
			_, err := h.Users(t.Context(), accounts.UserPage{Search: &search})
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
