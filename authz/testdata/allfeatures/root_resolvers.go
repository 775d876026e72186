package allfeatures

import "context"

type (
	query    struct{ *Resolver }
	mutation struct{ *Resolver }
)

func (q query) Open(context.Context) (string, error)    { q.count(); return "open", nil }
func (q query) Me(context.Context) (*Member, error)     { q.count(); return q.member("alice"), nil }
func (q query) Fresh(context.Context) (string, error)   { q.count(); return "fresh", nil }
func (q query) Staff(context.Context) (*string, error)  { q.count(); return to("staff"), nil }
func (q query) Scoped(context.Context) (*string, error) { q.count(); return to("scoped"), nil }
func (q query) Either(context.Context) (*string, error) { q.count(); return to("either"), nil }

func (q query) Node(_ context.Context, id string) (Node, error) {
	q.count()
	return q.node(id), nil
}
func (q query) MustNode(_ context.Context, id string) (Node, error) {
	q.count()
	return q.node(id), nil
}

func (q query) Nodes(context.Context) ([]Node, error) {
	q.count()
	return []Node{
		q.post("p1"), q.draft("d1"), q.draft("d2"), nil, q.club("c1"), q.club("c2"), q.memo("m1"), q.member("bob"),
	}, nil
}

func (q query) Documents(context.Context) ([]Document, error) {
	q.count()
	return []Document{q.post("p2"), q.draft("d1"), q.draft("d3")}, nil
}

func (q query) Search(_ context.Context, text *string, _ *bool) ([]Result, error) {
	q.count()
	if text != nil && *text == "posts" {
		return []Result{q.post("p1"), q.posts[0].Tags[0], q.post("p0")}, nil
	}
	return []Result{q.post("p1"), q.draft("d1"), q.memo("m1")}, nil
}

func (q query) Post(_ context.Context, id string) (*Post, error) {
	q.count()
	return q.post(id), nil
}
func (q query) Grid(context.Context) ([][]*Post, error) {
	q.count()
	return [][]*Post{{q.post("p1"), q.post("p2")}, {}, nil, {q.post("pe")}}, nil
}

func (q query) StrictGrid(context.Context) ([][]*Draft, error) {
	q.count()
	return [][]*Draft{{q.draft("d1"), q.draft("d3")}, {}, {q.draft("d1"), q.draft("d2")}}, nil
}

func (q query) Loose(context.Context) ([][]*Draft, error) {
	q.count()
	return [][]*Draft{{q.draft("d1"), nil, q.draft("d2")}, nil, {}}, nil
}

func (q query) Drafts(context.Context) ([]*Draft, error) { q.count(); return q.drafts, nil }
func (q query) DraftsOrNull(context.Context) ([]*Draft, error) {
	q.count()
	return []*Draft{q.draft("d1"), nil, q.draft("d2"), q.draft("d3")}, nil
}

func (q query) Draft(_ context.Context, id string) (*Draft, error) {
	q.count()
	return q.draft(id), nil
}
func (q query) MustDraft(_ context.Context, id string) (*Draft, error) {
	q.count()
	return q.draft(id), nil
}
func (q query) Club(_ context.Context, id string) (*Club, error) {
	q.count()
	return q.club(id), nil
}
func (q query) Memo(_ context.Context, id string) (*Memo, error) {
	q.count()
	return q.memo(id), nil
}
func (q query) Memos(context.Context) ([]*Memo, error) { q.count(); return q.memos, nil }
func (q query) Vault(context.Context) (*Vault, error)  { q.count(); return q.vault(), nil }

func (q query) Rows(context.Context) ([]*Row, error) { q.count(); return q.Many, nil }

func (q query) Count(context.Context, *Filter, []*Filter, [][]*Filter, *Wrapped) (*int, error) {
	q.count()
	return to(3), nil
}

func (r *Resolver) vault() *Vault { return &Vault{Gold: 99, Query: &Query{}, Note: to("note")} }

func (m mutation) Greet(context.Context) (*string, error) { m.count(); return to("hello"), nil }
func (m mutation) Write(context.Context, PostInput) (*Post, error) {
	m.count()
	return m.post("p1"), nil
}
func (m mutation) Erase(context.Context, string) (bool, error) { m.count(); return true, nil }
func (m mutation) Promote(context.Context, string) (*Memo, error) {
	m.count()
	return m.memo("m1"), nil
}
func (m mutation) Touch(_ context.Context, id string) (Node, error) {
	m.count()
	return m.node(id), nil
}
func (m mutation) Publish(_ context.Context, id string, _ *bool) (*Post, error) {
	m.count()
	return m.post(id), nil
}

// SignIn signs a member in; the answer to an unknown id is null.
func (m mutation) SignIn(_ context.Context, id string) (*Session, error) {
	m.count()
	if m.member(id) == nil {
		return nil, nil
	}
	return &Session{Token: "t-" + id, Member: m.member(id), Vault: m.vault()}, nil
}

func (m mutation) SignUp(context.Context, *PostInput) (*Session, error) {
	m.count()
	return &Session{Token: "t-bob", Member: m.member("bob"), Vault: m.vault()}, nil
}
