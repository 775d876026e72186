package main

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"github.com/gatehouse/gatehouse/examples/guard/graph"
)

// store holds articles and drafts in memory and resolves every field. It replaces objects and never changes one, so
// that callers may read what it returned without the lock.
type store struct {
	nameOf   func(ctx context.Context) string // the caller's
	mu       sync.Mutex
	lastID   int
	articles []*graph.Article
	drafts   []*graph.Draft
}

func newStore(nameOf func(context.Context) string) *store {
	return &store{
		nameOf:   nameOf,
		lastID:   2,
		articles: []*graph.Article{{ID: "1", Title: "Installation", Text: "Run the installer.", Author: "ann"}},
		drafts:   []*graph.Draft{{ID: "2", Title: "Upgrading", Text: "Make a backup first.", Author: "ann"}},
	}
}

func (s *store) Query() graph.QueryResolver       { return s }
func (s *store) Mutation() graph.MutationResolver { return s }

// Articles resolves Query.articles.
func (s *store) Articles(context.Context) ([]*graph.Article, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.articles), nil
}

// Draft resolves Query.draft. The guard decides whether the caller may see it.
func (s *store) Draft(_ context.Context, id string) (*graph.Draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(id); i >= 0 {
		return s.drafts[i], nil
	}
	return nil, nil
}

// Write resolves Mutation.write.
func (s *store) Write(ctx context.Context, title, text string) (*graph.Draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	draft := &graph.Draft{ID: strconv.Itoa(s.lastID), Title: title, Text: text, Author: s.nameOf(ctx)}
	s.drafts = append(s.drafts, draft)
	return draft, nil
}

// Publish resolves Mutation.publish.
func (s *store) Publish(_ context.Context, id string) (*graph.Article, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 {
		return nil, nil
	}
	article := graph.Article(*s.drafts[i])
	s.articles = append(s.articles, &article)
	s.drafts = slices.Delete(s.drafts, i, i+1)
	return &article, nil
}

// Retract resolves Mutation.retract.
func (s *store) Retract(_ context.Context, id string) (*graph.Draft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.articles, func(article *graph.Article) bool { return article.ID == id })
	if i < 0 {
		return nil, nil
	}
	draft := graph.Draft(*s.articles[i])
	s.drafts = append(s.drafts, &draft)
	s.articles = slices.Delete(s.articles, i, i+1)
	return &draft, nil
}

func (s *store) find(id string) int {
	return slices.IndexFunc(s.drafts, func(draft *graph.Draft) bool { return draft.ID == id })
}
