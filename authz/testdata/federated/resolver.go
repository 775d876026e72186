// Package federated is a server that gqlgen generated with its federation plugin and subscription_context_field.
package federated

import (
	"context"
	"errors"

	"github.com/99designs/gqlgen/graphql"
)

// ErrNotFound is what the resolvers of entities say of an id that no object has.
var ErrNotFound = errors.New("no such object")

// Resolver finds of each entity one that ann wrote, a1, and one that bob wrote, b1.
type Resolver struct {
	// Silent makes entities that are not there null, without an error.
	Silent bool
	// Events returns what Subscription.notes sends, in the context that its resolver gets.
	Events func(context.Context) []graphql.Event[*Note]
}

func (r *Resolver) Entity() EntityResolver             { return r }
func (r *Resolver) Query() QueryResolver               { return r }
func (r *Resolver) Subscription() SubscriptionResolver { return r }

func (r *Resolver) Note(ctx context.Context, id string) (*Note, error) {
	return r.FindNoteByID(ctx, id)
}

func (r *Resolver) FindNoteByID(_ context.Context, id string) (*Note, error) {
	return find(r, id, &Note{ID: id, Text: &id, Review: &id, Author: author(id)})
}

func (r *Resolver) FindPageByID(_ context.Context, id string) (*Page, error) {
	return find(r, id, &Page{ID: id, Text: &id, Draft: &id, Author: author(id)})
}

func (r *Resolver) FindInvoiceByID(_ context.Context, id string) (*Invoice, error) {
	return find(r, id, &Invoice{ID: id, Total: &id})
}

func (r *Resolver) FindManyAlbumByIDs(_ context.Context, all []*AlbumByIDsInput) ([]*Album, error) {
	albums, errs := make([]*Album, len(all)), make(graphql.BatchErrorList, len(all))
	for i, one := range all {
		albums[i], errs[i] = find(r, one.ID, &Album{ID: one.ID, Title: &one.ID, Author: author(one.ID)})
	}
	return albums, errs
}

func (r *Resolver) Notes(ctx context.Context) (<-chan graphql.Event[*Note], error) {
	all := r.Events(ctx)
	events := make(chan graphql.Event[*Note], len(all))
	for _, event := range all {
		events <- event
	}
	close(events)
	return events, nil
}

func author(id string) string { return map[string]string{"a1": "ann", "b1": "bob"}[id] }

func find[T any](r *Resolver, id string, object *T) (*T, error) {
	switch {
	case author(id) != "":
		return object, nil
	case r.Silent:
		return nil, nil
	}
	return nil, ErrNotFound
}
