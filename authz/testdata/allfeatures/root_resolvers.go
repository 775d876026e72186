package allfeatures

import "context"

type (
	query    struct{ w *World }
	mutation struct{ w *World }
)

func (q query) Open(context.Context) (string, error)    { q.w.count(); return "open", nil }
func (q query) Me(context.Context) (*Member, error)     { q.w.count(); return q.w.member("alice"), nil }
func (q query) Fresh(context.Context) (string, error)   { q.w.count(); return "fresh", nil }
func (q query) Staff(context.Context) (*string, error)  { q.w.count(); return to("staff"), nil }
func (q query) Scoped(context.Context) (*string, error) { q.w.count(); return to("scoped"), nil }
func (q query) Either(context.Context) (*string, error) { q.w.count(); return to("either"), nil }

func (q query) Node(_ context.Context, id string) (Node, error) {
	q.w.count()
	return q.w.node(id), nil
}
func (q query) MustNode(_ context.Context, id string) (Node, error) {
	q.w.count()
	return q.w.node(id), nil
}

func (q query) Nodes(context.Context) ([]Node, error) {
	q.w.count()
	return []Node{q.w.post("p1"), q.w.draft("d1"), q.w.draft("d2"), nil, q.w.club("c1"), q.w.club("c2"), q.w.memo("m1"), q.w.member("bob")}, nil
}

func (q query) Documents(context.Context) ([]Document, error) {
	q.w.count()
	return []Document{q.w.post("p2"), q.w.draft("d1"), q.w.draft("d3")}, nil
}

func (q query) Search(_ context.Context, text *string, _ *bool) ([]Result, error) {
	q.w.count()
	if text != nil && *text == "posts" {
		return []Result{q.w.post("p1"), q.w.posts[0].Tags[0], q.w.post("p0")}, nil
	}
	return []Result{q.w.post("p1"), q.w.draft("d1"), q.w.memo("m1")}, nil
}

func (q query) Post(_ context.Context, id string) (*Post, error) {
	q.w.count()
	return q.w.post(id), nil
}
func (q query) Grid(context.Context) ([][]*Post, error) {
	q.w.count()
	return [][]*Post{{q.w.post("p1"), q.w.post("p2")}, {}, nil, {q.w.post("pe")}}, nil
}

func (q query) StrictGrid(context.Context) ([][]*Draft, error) {
	q.w.count()
	return [][]*Draft{{q.w.draft("d1"), q.w.draft("d3")}, {}, {q.w.draft("d1"), q.w.draft("d2")}}, nil
}

func (q query) Loose(context.Context) ([][]*Draft, error) {
	q.w.count()
	return [][]*Draft{{q.w.draft("d1"), nil, q.w.draft("d2")}, nil, {}}, nil
}

func (q query) Drafts(context.Context) ([]*Draft, error) { q.w.count(); return q.w.drafts, nil }
func (q query) DraftsOrNull(context.Context) ([]*Draft, error) {
	q.w.count()
	return []*Draft{q.w.draft("d1"), nil, q.w.draft("d2"), q.w.draft("d3")}, nil
}

func (q query) Draft(_ context.Context, id string) (*Draft, error) {
	q.w.count()
	return q.w.draft(id), nil
}
func (q query) MustDraft(_ context.Context, id string) (*Draft, error) {
	q.w.count()
	return q.w.draft(id), nil
}
func (q query) Club(_ context.Context, id string) (*Club, error) {
	q.w.count()
	return q.w.club(id), nil
}
func (q query) Memo(_ context.Context, id string) (*Memo, error) {
	q.w.count()
	return q.w.memo(id), nil
}
func (q query) Memos(context.Context) ([]*Memo, error) { q.w.count(); return q.w.memos, nil }
func (q query) Vault(context.Context) (*Vault, error)  { q.w.count(); return q.w.vault(), nil }

func (q query) Rows(context.Context) ([]*Row, error) { q.w.count(); return q.w.Many, nil }

func (q query) Count(context.Context, *Filter, []*Filter, [][]*Filter, *Wrapped) (*int, error) {
	q.w.count()
	return to(3), nil
}

func (w *World) vault() *Vault { return &Vault{Gold: 99, Query: &Query{}, Note: to("note")} }

func (m mutation) Greet(context.Context) (*string, error) { m.w.count(); return to("hello"), nil }
func (m mutation) Write(context.Context, PostInput) (*Post, error) {
	m.w.count()
	return m.w.post("p1"), nil
}
func (m mutation) Erase(context.Context, string) (bool, error) { m.w.count(); return true, nil }
func (m mutation) Promote(context.Context, string) (*Memo, error) {
	m.w.count()
	return m.w.memo("m1"), nil
}
func (m mutation) Touch(_ context.Context, id string) (Node, error) {
	m.w.count()
	return m.w.node(id), nil
}
func (m mutation) Publish(_ context.Context, id string, _ *bool) (*Post, error) {
	m.w.count()
	return m.w.post(id), nil
}

// SignIn signs a member in; an unknown id is refused by answering null.
func (m mutation) SignIn(_ context.Context, id string) (*Session, error) {
	m.w.count()
	if m.w.member(id) == nil {
		return nil, nil
	}
	return &Session{Token: "t-" + id, Member: m.w.member(id), Vault: m.w.vault()}, nil
}

func (m mutation) SignUp(context.Context, *PostInput) (*Session, error) {
	m.w.count()
	return &Session{Token: "t-bob", Member: m.w.member("bob"), Vault: m.w.vault()}, nil
}
