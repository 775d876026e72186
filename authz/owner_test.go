package authz_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/authz"
	"github.com/gatehouse/gatehouse/authz/testdata/allfeatures"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

type (
	Note struct{ By string }
	Memo struct{ By string }
	text struct{ By string }
)

func writtenBy[T any](context.Context, authz.Viewer, T) (bool, error) { return true, nil }

// TestNew_RejectsAnOwnerRuleOnATypeThatNoPredicateTakes writes the rule at each place where it is decided on an object
// of type Memo.
func TestNew_RejectsAnOwnerRuleOnATypeThatNoPredicateTakes(t *testing.T) {
	note, memo := authz.OwnerOf(writtenBy[*Note]), authz.OwnerOf(writtenBy[*Memo])
	values := []authz.Owner{authz.OwnerOf(writtenBy[Note]), authz.OwnerOf(writtenBy[Memo])}
	byContent, panics := func(any) string { return "Memo" }, func(any) string { panic("no object") }
	for _, place := range []string{
		`type Memo @auth(owner: SELF) { text: String }`,
		`type Memo { text: String @auth(owner: SELF) }`,
		`type Memo { text: String @auth(any: [{roles: [ADMIN]}, {owner: SELF, maxAge: 300}]) }`,
		`type Memo { text(long: Int @auth(owner: SELF)): String }`,
	} {
		sdl := directives + `type Query { memo: Memo @auth note: Note @auth }
			type Note @auth(owner: SELF) { text: String } ` + place
		for name, c := range map[string]struct {
			owners   []authz.Owner
			typeName func(any) string
			accepted bool
		}{
			"for another type":           {[]authz.Owner{note}, nil, false},
			"for a type of another name": {[]authz.Owner{note, memo.On("Note")}, nil, false},
			"by pointer":                 {[]authz.Owner{note, memo}, nil, true},
			"by value":                   {values, nil, true},
			"by its GraphQL types":       {[]authz.Owner{note.On("Note", "Memo")}, nil, true},
			"by Config.TypeName":         {[]authz.Owner{note.On("Note"), authz.OwnerOf(writtenBy[text])}, byContent, true},
			"by a name that panics":      {[]authz.Owner{note.On("Note"), memo}, panics, false},
		} {
			config := schemaConfig()
			config.Owners["SELF"], config.TypeName = c.owners, c.typeName
			_, err := authz.New(load(t, sdl), config)
			refused := err != nil && strings.Contains(err.Error(), "Memo: is decided by owner SELF, but no predicate")
			if refused == c.accepted || refused != (err != nil) {
				t.Errorf("%s, %s: %v", place, name, err)
			}
		}
	}
}

// TestNew_RejectsPredicatesThatDoNotSayWhatTheyDecide: a second one of a Go type would never be asked.
func TestNew_RejectsPredicatesThatDoNotSayWhatTheyDecide(t *testing.T) {
	const sdl = directives + `type Query { note: Note @auth } type Note @auth(owner: SELF) { text: String }`
	note := authz.OwnerOf(writtenBy[*Note])
	const concrete, once = "has for SELF a predicate without a concrete Go type", "two predicates of authz_test.Note"
	for name, c := range map[string]struct {
		owners []authz.Owner
		want   string
	}{
		"an interface":         {[]authz.Owner{authz.OwnerOf(writtenBy[any]).On("Note")}, concrete},
		"a pointer to one":     {[]authz.Owner{authz.OwnerOf(writtenBy[*any]).On("Note")}, concrete},
		"zero":                 {[]authz.Owner{{}}, concrete},
		"twice":                {[]authz.Owner{note, note.On("Memo")}, once},
		"by value and pointer": {[]authz.Owner{note, authz.OwnerOf(writtenBy[Note])}, once},
		"the control":          {[]authz.Owner{note, authz.OwnerOf(writtenBy[*Memo])}, ""},
	} {
		config := schemaConfig()
		config.Owners["SELF"] = c.owners
		_, err := authz.New(load(t, sdl), config)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFailures_AreLoggedOnceASecond: three drafts are asked about, and each fails.
func TestFailures_AreLoggedOnceASecond(t *testing.T) {
	var log strings.Builder
	fails := func(context.Context, *allfeatures.Viewer, any) (bool, error) { return false, errors.New("no database") }
	s := serveWith(t, func(c *authz.Config) {
		c.Owners["AUTHOR"] = ownersBy(fails)
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 3 {
		s.summary(t, "alice", `{ draftsOrNull { id } }`)
	}
	if n := strings.Count(log.String(), "\n"); n < 1 || n >= 9 {
		t.Errorf("%d lines for nine failures:\n%s", n, &log)
	}
}

// TestOwner_OfAnUnknownGoTypeOrViewerDenies: what New cannot see is denied when it happens.
func TestOwner_OfAnUnknownGoTypeOrViewerDenies(t *testing.T) {
	always := func(context.Context, *allfeatures.Viewer, any) (bool, error) { return true, nil }
	another := func(context.Context, otherViewer, *allfeatures.Draft) (bool, error) { return true, nil }
	const shown, hidden = `{"draft":{"id":"d2"}}`, `{"draft":null} | NOT_FOUND Query.draft @draft`
	for name, c := range map[string]struct {
		owner authz.Owner
		want  string
	}{
		"of another Go type": {ownerBy[*Note](always, "Draft"), hidden},
		"of another viewer":  {authz.OwnerOf(another), hidden},
		"by value":           {ownerBy[allfeatures.Draft](always, "Draft"), shown},
		"the control":        {ownerBy[*allfeatures.Draft](always, "Draft"), shown},
	} {
		s := serveWith(t, func(config *authz.Config) {
			all := ownersBy(isAuthor)
			config.Owners["AUTHOR"] = []authz.Owner{c.owner, all[0], all[2], all[3]} // but that of drafts
		})
		testenv.Equal(t, c.want, s.summary(t, "alice", `{ draft(id: "d2") { id } }`), "%s", name)
	}
}

type otherViewer struct{ *allfeatures.Viewer }
