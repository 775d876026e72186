// Package allfeatures serves a schema with one of everything that a rule can meet, from memory, and counts the calls of
// its resolvers.
package allfeatures

import (
	"context"
	_ "embed"
	"fmt"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// SDL is the schema, with its rules.
//
//go:embed schema.graphql
var SDL string

// Resolver holds all objects. Calls counts the resolvers that ran, but for those that only read a struct.
type Resolver struct {
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
	return gqlparser.LoadSchema(&ast.Source{Name: "allfeatures.graphql", Input: sdl})
}

// Executable returns a server's schema with these resolvers; schema takes the place of the generated one.
func (r *Resolver) Executable(schema *ast.Schema) graphql.ExecutableSchema {
	return NewExecutableSchema(Config{Schema: schema, Resolvers: r})
}

func to[T any](v T) *T { return &v }

// NewResolver returns objects of alice, of bob and of no owner.
func NewResolver() *Resolver {
	r := &Resolver{}
	alice, bob := &Member{ID: "alice", Name: "Alice", Email: to("a@x")}, &Member{ID: "bob", Name: "Bob", Email: to("b@x")}
	r.members = []*Member{alice, bob}
	members := []string{"alice", "bob"}
	both := &Club{ID: "c1", Name: "Both", AuthorID: to("alice"), MemberIds: members, Treasury: 7, Budget: to(3)}
	bobs := &Club{ID: "c2", Name: "Bob's", AuthorID: to("bob"), MemberIds: []string{"bob"}, Treasury: 8, Budget: to(4)}
	none := &Club{ID: "c0", Name: "None", AuthorID: to(""), MemberIds: []string{""}, Treasury: 9}
	r.clubs = []*Club{both, bobs, none}
	alice.Clubs, bob.Clubs = []*Club{both}, []*Club{both, bobs}
	comment := func(id string, m *Member, replies ...*Comment) *Comment {
		return &Comment{ID: id, Text: to("text " + id), Author: m, IP: to("::1"), Replies: append([]*Comment{}, replies...)}
	}
	post := func(id string, author *string, m *Member, c ...*Comment) *Post {
		return &Post{
			ID: id, Title: to("Post " + id), AuthorID: author, Author: m, Secret: to("secret"), StrictSecret: "strict",
			Recent: to("recent"), Audit: to("audit"), Meta: map[string]any{"k": "v"}, StrictMeta: "m",
			Notes: []string{"note"}, Comments: append([]*Comment{}, c...), Query: &Query{},
		}
	}
	p1 := post("p1", to("alice"), alice, comment("1", bob, comment("2", alice)), comment("3", nil))
	p2 := post("p2", to("bob"), bob, comment("4", alice))
	p0 := post("p0", nil, nil)
	pe := post("pe", to(""), nil)
	r.posts = []*Post{p1, p2, p0, pe}
	draft := func(id, author string, members []string, p *Post) *Draft {
		return &Draft{
			ID: id, Title: to("Draft " + id), AuthorID: to(author), MemberIds: members,
			Body: to("body"), Review: to("review"), Post: p,
		}
	}
	d1, d2 := draft("d1", "alice", []string{"bob"}, p1), draft("d2", "bob", []string{"alice", "bob"}, nil)
	d3 := draft("d3", "alice", []string{"alice"}, p2)
	r.drafts = []*Draft{d1, d2, d3}
	d1.Parent, d3.Parent, p2.Parent, p1.Parent = p2, d2, d1, p0
	both.Drafts, bobs.Drafts, none.Drafts = []*Draft{d1, d3}, []*Draft{d2}, []*Draft{}
	m2 := &Memo{ID: "m2", Text: "second"}
	r.memos = []*Memo{{ID: "m1", Text: "first", Classified: to("classified"), Next: m2}, m2}
	tag := &Tag{Name: "go", Posts: []*Post{p1, nil, p2}}
	p1.Tags = []*Tag{tag}
	r.Many = Rows(2)
	return r
}

// Rows makes so many rows.
func Rows(n int) []*Row {
	all := make([]*Row, n)
	for i := range all {
		all[i] = &Row{A: i, B: i, C: i, D: i, E: i}
	}
	return all
}

func find[T Node](all []T, id func(T) string, want string) (found T) {
	for _, one := range all {
		if id(one) == want {
			return one
		}
	}
	return found
}

func (r *Resolver) post(id string) *Post {
	return find(r.posts, func(p *Post) string { return p.ID }, id)
}
func (r *Resolver) draft(id string) *Draft {
	return find(r.drafts, func(d *Draft) string { return d.ID }, id)
}
func (r *Resolver) club(id string) *Club {
	return find(r.clubs, func(c *Club) string { return c.ID }, id)
}
func (r *Resolver) memo(id string) *Memo {
	return find(r.memos, func(m *Memo) string { return m.ID }, id)
}
func (r *Resolver) member(id string) *Member {
	return find(r.members, func(m *Member) string { return m.ID }, id)
}

// node finds an object of any type by its id; an untyped nil when there is none.
func (r *Resolver) node(id string) Node {
	if p := r.post(id); p != nil {
		return p
	}
	if d := r.draft(id); d != nil {
		return d
	}
	if c := r.club(id); c != nil {
		return c
	}
	if m := r.memo(id); m != nil {
		return m
	}
	if m := r.member(id); m != nil {
		return m
	}
	return nil
}

func (r *Resolver) count() { r.Calls.Add(1) }

var _ ResolverRoot = (*Resolver)(nil)

func (r *Resolver) Query() QueryResolver               { return query{r} }
func (r *Resolver) Mutation() MutationResolver         { return mutation{r} }
func (r *Resolver) Subscription() SubscriptionResolver { return subscription{r} }
func (r *Resolver) Post() PostResolver                 { return posts{r} }
func (r *Resolver) Draft() DraftResolver               { return drafts{r} }

type (
	posts        struct{ *Resolver }
	drafts       struct{ *Resolver }
	subscription struct{ *Resolver }
)

func (r posts) Notes(_ context.Context, p *Post, secret *bool) ([]string, error) {
	r.count()
	return append(p.Notes, fmt.Sprint(secret != nil)), nil
}

func (r posts) Comments(_ context.Context, p *Post, first *int, _ *bool) ([]*Comment, error) {
	r.count()
	if first != nil && *first < len(p.Comments) {
		return p.Comments[:*first], nil
	}
	return p.Comments, nil
}

func (r drafts) Notes(_ context.Context, d *Draft, secret *bool) ([]string, error) {
	r.count()
	return []string{d.ID, fmt.Sprint(secret != nil)}, nil
}

// stream sends all of the list and closes.
func stream[T any](r *Resolver, all ...T) (<-chan T, error) {
	r.count()
	c := make(chan T, len(all))
	for _, one := range all {
		c <- one
	}
	close(c)
	return c, nil
}

func (r subscription) Ticks(context.Context) (<-chan int, error)    { return stream(r.Resolver, 1, 2) }
func (r subscription) Secrets(context.Context) (<-chan *int, error) { return stream(r.Resolver, to(7)) }
func (r subscription) Posts(context.Context) (<-chan *Post, error) {
	return stream(r.Resolver, r.post("p1"), nil, r.post("p2"))
}
func (r subscription) Drafts(context.Context) (<-chan *Draft, error) {
	return stream(r.Resolver, r.draft("d1"), nil, r.draft("d2"), r.draft("d3"))
}
func (r subscription) Nodes(context.Context) (<-chan Node, error) {
	return stream[Node](r.Resolver, r.draft("d1"), r.post("p1"), r.draft("d2"), r.memo("m1"))
}
func (r subscription) Memos(context.Context) (<-chan *Memo, error) {
	return stream(r.Resolver, r.memo("m1"), r.memo("m2"))
}
