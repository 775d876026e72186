// Package allfeatures serves a schema that has one of everything a rule can meet, from memory, and counts its resolvers' calls.
package allfeatures

import (
	"context"
	_ "embed"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// SDL is the schema, with its rules.
//
//go:embed schema.graphql
var SDL string

// World is all there is. Calls counts the resolvers that ran, those that only read a struct excepted.
type World struct {
	Calls   atomic.Int64
	members []*Member
	posts   []*Post
	drafts  []*Draft
	clubs   []*Club
	memos   []*Memo
	Many    []*Row // what Query.rows returns
}

// Load parses SDL, or a mutant of it.
func Load(sdl string) (*ast.Schema, error) {
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "allfeatures.graphql", Input: sdl})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Executable returns a server's schema with this world's resolvers; schema stands in for the generated one.
func (w *World) Executable(schema *ast.Schema) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Schema: schema, Resolvers: w})
}

func to[T any](v T) *T { return &v }

// NewWorld has things of alice's, of bob's and of nobody's, and ids that lead nowhere.
func NewWorld() *World {
	w := &World{}
	alice, bob := &Member{ID: "alice", Name: "Alice", Email: to("a@x")}, &Member{ID: "bob", Name: "Bob", Email: to("b@x")}
	w.members = []*Member{alice, bob}
	both := &Club{ID: "c1", Name: "Both", AuthorID: to("alice"), MemberIds: []string{"alice", "bob"}, Treasury: 7, Budget: to(3)}
	bobs := &Club{ID: "c2", Name: "Bob's", AuthorID: to("bob"), MemberIds: []string{"bob"}, Treasury: 8, Budget: to(4)}
	none := &Club{ID: "c0", Name: "None", AuthorID: to(""), MemberIds: []string{""}, Treasury: 9}
	w.clubs = []*Club{both, bobs, none}
	alice.Clubs, bob.Clubs = []*Club{both}, []*Club{both, bobs}
	comment := func(id string, m *Member, replies ...*Comment) *Comment {
		return &Comment{ID: id, Text: to("text " + id), Author: m, IP: to("::1"), Replies: append([]*Comment{}, replies...)}
	}
	post := func(id string, author *string, m *Member, c ...*Comment) *Post {
		return &Post{ID: id, Title: to("Post " + id), AuthorID: author, Author: m, Secret: to("secret"), StrictSecret: "strict", Recent: to("recent"),
			Audit: to("audit"), Meta: map[string]any{"k": "v"}, StrictMeta: "m", Notes: []string{"note"}, Comments: append([]*Comment{}, c...), Query: &Query{}}
	}
	p1 := post("p1", to("alice"), alice, comment("1", bob, comment("2", alice)), comment("3", nil))
	p2 := post("p2", to("bob"), bob, comment("4", alice))
	p0 := post("p0", nil, nil)
	pe := post("pe", to(""), nil)
	w.posts = []*Post{p1, p2, p0, pe}
	draft := func(id, author string, members []string, p *Post) *Draft {
		return &Draft{ID: id, Title: to("Draft " + id), AuthorID: to(author), MemberIds: members, Body: to("body"), Review: to("review"), Post: p}
	}
	d1, d2 := draft("d1", "alice", []string{"bob"}, p1), draft("d2", "bob", []string{"alice", "bob"}, nil)
	d3 := draft("d3", "alice", []string{"alice"}, p2)
	w.drafts = []*Draft{d1, d2, d3}
	d1.Parent, d3.Parent, p2.Parent, p1.Parent = p2, d2, d1, p0
	both.Drafts, bobs.Drafts, none.Drafts = []*Draft{d1, d3}, []*Draft{d2}, []*Draft{}
	m2 := &Memo{ID: "m2", Text: "second"}
	w.memos = []*Memo{{ID: "m1", Text: "first", Classified: to("classified"), Next: m2}, m2}
	tag := &Tag{Name: "go", Posts: []*Post{p1, nil, p2}}
	p1.Tags = []*Tag{tag}
	w.Many = Rows(2)
	return w
}

// Rows makes so many rows.
func Rows(n int) []*Row {
	all := make([]*Row, n)
	for i := range all {
		all[i] = &Row{A: i, B: i, C: i, D: i, E: i}
	}
	return all
}

// Person is a viewer, as package authz asks for one.
type Person struct {
	ID      string
	Roles   []string
	Scopes  []string
	Proved  time.Time
	Because string
	Broken  error
}

func (p *Person) SignedIn() bool        { return p.Because == "" }
func (p *Person) HasRole(r string) bool { return has(p.Roles, r) }

func (p *Person) HasScope(s string) bool     { return has(p.Scopes, s) }
func (p *Person) AuthenticatedAt() time.Time { return p.Proved }
func (p *Person) Reason() string             { return p.Because }
func (p *Person) Err() error                 { return p.Broken }

func has(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// Authored is what owner: AUTHOR means: the object is the person, or was written by them.
func Authored(p *Person, object any) bool {
	author := ""
	switch o := object.(type) {
	case *Member:
		author = o.ID
	case *Post:
		author = deref(o.AuthorID)
	case *Draft:
		author = deref(o.AuthorID)
	case *Club:
		author = deref(o.AuthorID)
	}
	return author != "" && author == p.ID
}

// Belongs is what owner: MEMBER means.
func Belongs(p *Person, object any) bool {
	switch o := object.(type) {
	case *Draft:
		return p.ID != "" && has(o.MemberIds, p.ID)
	case *Club:
		return p.ID != "" && has(o.MemberIds, p.ID)
	}
	return false
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func find[T Node](all []T, id func(T) string, want string) (found T) {
	for _, one := range all {
		if id(one) == want {
			return one
		}
	}
	return found
}

func (w *World) post(id string) *Post { return find(w.posts, func(p *Post) string { return p.ID }, id) }
func (w *World) draft(id string) *Draft {
	return find(w.drafts, func(d *Draft) string { return d.ID }, id)
}
func (w *World) club(id string) *Club { return find(w.clubs, func(c *Club) string { return c.ID }, id) }
func (w *World) memo(id string) *Memo { return find(w.memos, func(m *Memo) string { return m.ID }, id) }
func (w *World) member(id string) *Member {
	return find(w.members, func(m *Member) string { return m.ID }, id)
}

// node finds anything by its id; nil, without a type, when there is nothing.
func (w *World) node(id string) Node {
	if p := w.post(id); p != nil {
		return p
	}
	if d := w.draft(id); d != nil {
		return d
	}
	if c := w.club(id); c != nil {
		return c
	}
	if m := w.memo(id); m != nil {
		return m
	}
	if m := w.member(id); m != nil {
		return m
	}
	return nil
}

func (w *World) count() { w.Calls.Add(1) }

var _ ResolverRoot = (*World)(nil)

func (w *World) Query() QueryResolver               { return query{w} }
func (w *World) Mutation() MutationResolver         { return mutation{w} }
func (w *World) Subscription() SubscriptionResolver { return subscription{w} }
func (w *World) Post() PostResolver                 { return posts{w} }
func (w *World) Draft() DraftResolver               { return drafts{w} }

type (
	posts        struct{ w *World }
	drafts       struct{ w *World }
	subscription struct{ w *World }
)

func (r posts) Notes(_ context.Context, p *Post, secret *bool) ([]string, error) {
	r.w.count()
	return append(p.Notes, fmt.Sprint(secret != nil)), nil
}

func (r posts) Comments(_ context.Context, p *Post, first *int, _ *bool) ([]*Comment, error) {
	r.w.count()
	if first != nil && *first < len(p.Comments) {
		return p.Comments[:*first], nil
	}
	return p.Comments, nil
}

func (r drafts) Notes(_ context.Context, d *Draft, secret *bool) ([]string, error) {
	r.w.count()
	return []string{d.ID, fmt.Sprint(secret != nil)}, nil
}

// stream sends all of the list and closes.
func stream[T any](w *World, all ...T) (<-chan T, error) {
	w.count()
	c := make(chan T, len(all))
	for _, one := range all {
		c <- one
	}
	close(c)
	return c, nil
}

func (r subscription) Ticks(context.Context) (<-chan int, error)    { return stream(r.w, 1, 2) }
func (r subscription) Secrets(context.Context) (<-chan *int, error) { return stream(r.w, to(7)) }
func (r subscription) Posts(context.Context) (<-chan *Post, error) {
	return stream(r.w, r.w.post("p1"), nil, r.w.post("p2"))
}
func (r subscription) Drafts(context.Context) (<-chan *Draft, error) {
	return stream(r.w, r.w.draft("d1"), nil, r.w.draft("d2"), r.w.draft("d3"))
}
func (r subscription) Nodes(context.Context) (<-chan Node, error) {
	return stream[Node](r.w, r.w.draft("d1"), r.w.post("p1"), r.w.draft("d2"), r.w.memo("m1"))
}
func (r subscription) Memos(context.Context) (<-chan *Memo, error) {
	return stream(r.w, r.w.memo("m1"), r.w.memo("m2"))
}
