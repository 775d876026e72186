package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// desk answers every field, from memory. What lies on it is replaced and never changed, so that it can be read without
// the lock once it was found.
type desk struct {
	mu       sync.Mutex
	last     int // the newest id
	articles []*graph.Article
	drafts   []*graph.Draft
}

func newDesk() *desk {
	return &desk{
		last:     2,
		articles: []*graph.Article{{ID: "1", Title: "On doors", Text: "They open.", Author: "ann"}},
		drafts:   []*graph.Draft{{ID: "2", Title: "On keys", Text: "They turn.", Author: "ann"}},
	}
}

func (d *desk) Query() graph.QueryResolver       { return d }
func (d *desk) Mutation() graph.MutationResolver { return d }

// Articles answers Query.articles.
func (d *desk) Articles(context.Context) ([]*graph.Article, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.articles), nil
}

// Draft answers Query.draft. Whether the caller may see what it found, the guard decides.
func (d *desk) Draft(_ context.Context, id string) (*graph.Draft, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.find(id); i >= 0 {
		return d.drafts[i], nil
	}
	return nil, nil
}

// Write answers Mutation.write.
func (d *desk) Write(ctx context.Context, title, text string) (*graph.Draft, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	draft := &graph.Draft{ID: strconv.Itoa(d.last), Title: title, Text: text, Author: readerFrom(ctx).name}
	d.drafts = append(d.drafts, draft)
	return draft, nil
}

// Publish answers Mutation.publish.
func (d *desk) Publish(_ context.Context, id string) (*graph.Article, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.find(id)
	if i < 0 {
		return nil, nil
	}
	article := graph.Article(*d.drafts[i])
	d.articles = append(d.articles, &article)
	d.drafts = slices.Delete(d.drafts, i, i+1)
	return &article, nil
}

func (d *desk) find(id string) int {
	return slices.IndexFunc(d.drafts, func(draft *graph.Draft) bool { return draft.ID == id })
}
