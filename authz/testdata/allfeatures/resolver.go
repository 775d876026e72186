// Package allfeatures serves a schema with one of everything that a rule can meet, from memory, and counts the calls of
// its resolvers.
package allfeatures

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
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
	objects map[string]Node   // by id
	Many    []*Row            // what Query.rows returns
	OnBatch func([]*Draft)    // called with what a batch resolver of drafts is asked about; default: nothing
	OnMeta  func(*Post) error // called with whose strictMeta is asked; default: nothing
	Events  int               // how often Subscription.posts sends p1; default: p1, none and p2
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
	alice, bob := &Member{ID: "alice", Name: "Alice", Email: to("a@x")}, &Member{ID: "bob", Name: "Bob", Email: to("b@x")}
	members := []string{"alice", "bob"}
	c1 := &Club{ID: "c1", Name: "Both", AuthorID: to("alice"), MemberIds: members, Treasury: to(7), Budget: to(3)}
	c2 := &Club{ID: "c2", Name: "Bob's", AuthorID: to("bob"), MemberIds: []string{"bob"}, Treasury: to(8), Budget: to(4)}
	c0 := &Club{ID: "c0", Name: "None", AuthorID: to(""), MemberIds: []string{""}, Treasury: to(9)}
	alice.Clubs, bob.Clubs = []*Club{c1}, []*Club{c1, c2}
	comment := func(id string, m *Member, replies ...*Comment) *Comment {
		return &Comment{ID: id, Text: to("text " + id), Author: m, IP: to("::1"), Replies: append([]*Comment{}, replies...)}
	}
	post := func(id string, author *string, m *Member, c ...*Comment) *Post {
		return &Post{
			ID: id, Title: to("Post " + id), AuthorID: author, Author: m, Secret: to("secret"),
			Recent: to("recent"), Audit: to("audit"), Diary: to("diary"), Meta: map[string]any{"k": "v"},
			Notes: []string{"note"}, Comments: append([]*Comment{}, c...), Query: &Query{},
		}
	}
	p1 := post("p1", to("alice"), alice, comment("1", bob, comment("2", alice)), comment("3", nil))
	p2 := post("p2", to("bob"), bob, comment("4", alice))
	p0, pe := post("p0", nil, nil), post("pe", to(""), nil)
	p1.Tags = []*Tag{{Name: "go", Posts: []*Post{p1, nil, p2}}}
	draft := func(id, author string, members []string, p *Post) *Draft {
		return &Draft{
			ID: id, Title: to("Draft " + id), AuthorID: to(author), MemberIds: members,
			Body: to("body"), Review: to("review"), Score: to(len(author)), Rank: to(len(members)), Post: p,
		}
	}
	d1, d2 := draft("d1", "alice", []string{"bob"}, p1), draft("d2", "bob", members, nil)
	d3 := draft("d3", "alice", []string{"alice"}, p2)
	d1.Parent, d3.Parent, p2.Parent, p1.Parent = p2, d2, d1, p0
	c1.Drafts, c2.Drafts, c0.Drafts = []*Draft{d1, d3}, []*Draft{d2}, []*Draft{}
	l1 := &Locker{ID: "l1", MemberIds: []string{"alice"}, Content: to("content"), Draft: d1}
	l0 := &Locker{ID: "l0", Content: to("content")}
	m2 := &Memo{ID: "m2", Text: "second"}
	m1 := &Memo{ID: "m1", Text: "first", Classified: to("classified"), Next: m2}
	return &Resolver{Many: Rows(2), objects: map[string]Node{
		"alice": alice, "bob": bob, "c1": c1, "c2": c2, "c0": c0, "p1": p1, "p2": p2, "p0": p0, "pe": pe,
		"d1": d1, "d2": d2, "d3": d3, "l1": l1, "l0": l0, "m1": m1, "m2": m2,
	}}
}

// Rows makes so many rows.
func Rows(n int) []*Row {
	all := make([]*Row, n)
	for i := range all {
		all[i] = &Row{A: &i, B: &i, C: &i, D: &i, E: &i, F: &i}
	}
	return all
}

// one returns the object of an id and a type, or nil.
func one[T Node](r *Resolver, id string) T {
	found, _ := r.objects[id].(T)
	return found
}

// Object returns the object of an id, or nil.
func (r *Resolver) Object(id string) any { return r.objects[id] }

func (r *Resolver) post(id string) *Post     { return one[*Post](r, id) }
func (r *Resolver) draft(id string) *Draft   { return one[*Draft](r, id) }
func (r *Resolver) club(id string) *Club     { return one[*Club](r, id) }
func (r *Resolver) locker(id string) *Locker { return one[*Locker](r, id) }
func (r *Resolver) memo(id string) *Memo     { return one[*Memo](r, id) }
func (r *Resolver) member(id string) *Member { return one[*Member](r, id) }

// counted counts a resolver's call, and returns its result.
func counted[T any](r *Resolver, result T) (T, error) {
	r.Calls.Add(1)
	return result, nil
}

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
	return counted(r.Resolver, append(p.Notes, fmt.Sprint(secret != nil)))
}
func (r posts) StrictSecret(context.Context, *Post, *bool) (string, error) {
	return counted(r.Resolver, "strict")
}
func (r posts) StrictMeta(_ context.Context, p *Post, _ *bool) (any, error) {
	if r.OnMeta != nil {
		if err := r.OnMeta(p); err != nil {
			return nil, err
		}
	}
	return counted[any](r.Resolver, "m")
}
func (r posts) Comments(_ context.Context, p *Post, first *int, _ *bool) ([]*Comment, error) {
	if first != nil && *first < len(p.Comments) {
		return counted(r.Resolver, p.Comments[:*first])
	}
	return counted(r.Resolver, p.Comments)
}
func (r drafts) Notes(_ context.Context, d *Draft, secret *bool) ([]string, error) {
	return counted(r.Resolver, []string{d.ID, fmt.Sprint(secret != nil)})
}

func (r drafts) Score(_ context.Context, all []*Draft) ([]*int, error) {
	r.ask(all)
	return counted(r.Resolver, eachDraft(all, func(d *Draft) *int { return to(len(*d.AuthorID)) }))
}
func (r drafts) Rank(_ context.Context, all []*Draft) ([]*int, error) {
	r.ask(all)
	return counted(r.Resolver, eachDraft(all, func(d *Draft) *int { return to(len(d.MemberIds)) }))
}
func (r drafts) Words(_ context.Context, all []*Draft, _ *bool) ([]int, error) {
	r.ask(all)
	return counted(r.Resolver, eachDraft(all, func(d *Draft) int { return len(d.ID) }))
}

func (r drafts) ask(all []*Draft) {
	if r.OnBatch != nil {
		r.OnBatch(all)
	}
}

// eachDraft makes the results of a batch resolver. It passes over the nil that a list of the resolvers has itself:
// gqlgen calls with it where nothing is guarded.
func eachDraft[T any](all []*Draft, f func(*Draft) T) []T {
	results := make([]T, len(all))
	for i, d := range all {
		if d != nil {
			results[i] = f(d)
		}
	}
	return results
}

// stream sends all of the list and closes.
func stream[T any](r *Resolver, all ...T) (<-chan T, error) {
	c := make(chan T, len(all))
	for _, one := range all {
		c <- one
	}
	close(c)
	return counted[<-chan T](r, c)
}

func (r subscription) Ticks(context.Context) (<-chan int, error)    { return stream(r.Resolver, 1, 2) }
func (r subscription) Secrets(context.Context) (<-chan *int, error) { return stream(r.Resolver, to(7)) }
func (r subscription) Alarms(context.Context) (<-chan *int, error) {
	return stream(r.Resolver, to(1), to(2))
}
func (r subscription) Lockers(context.Context) (<-chan *Locker, error) {
	return stream(r.Resolver, r.locker("l1"), nil, r.locker("l0"))
}
func (r subscription) Edits(context.Context, string) (<-chan *int, error) {
	return stream(r.Resolver, to(1), to(2))
}
func (r subscription) Posts(context.Context) (<-chan *Post, error) {
	if r.Events > 0 {
		return stream(r.Resolver, slices.Repeat([]*Post{r.post("p1")}, r.Events)...)
	}
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
