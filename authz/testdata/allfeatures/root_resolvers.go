package allfeatures

import "context"

type (
	query    struct{ *Resolver }
	mutation struct{ *Resolver }
)

func (q query) Open(context.Context) (string, error)     { return counted(q.Resolver, "open") }
func (q query) Me(context.Context) (*Member, error)      { return counted(q.Resolver, q.member("alice")) }
func (q query) Fresh(context.Context) (*string, error)   { return counted(q.Resolver, to("fresh")) }
func (q query) Staff(context.Context) (*string, error)   { return counted(q.Resolver, to("staff")) }
func (q query) Scoped(context.Context) (*string, error)  { return counted(q.Resolver, to("scoped")) }
func (q query) Either(context.Context) (*string, error)  { return counted(q.Resolver, to("either")) }
func (q query) Twofold(context.Context) (*string, error) { return counted(q.Resolver, to("twofold")) }
func (q query) Proven(context.Context) (*string, error)  { return counted(q.Resolver, to("proven")) }
func (q query) EitherProven(context.Context) (*string, error) {
	return counted(q.Resolver, to("either"))
}
func (q query) Vault(context.Context) (*Vault, error) { return counted(q.Resolver, q.vault()) }
func (q query) Rows(context.Context) ([]*Row, error)  { return counted(q.Resolver, q.Many) }

func (q query) Excerpt(_ context.Context, id string) (*string, error) {
	return counted(q.Resolver, to("of "+id))
}

func (q query) Node(_ context.Context, id string) (Node, error) {
	return counted(q.Resolver, q.objects[id])
}
func (q query) MustNode(ctx context.Context, id string) (Node, error) { return q.Node(ctx, id) }
func (q query) Post(_ context.Context, id string) (*Post, error) {
	return counted(q.Resolver, q.post(id))
}
func (q query) Draft(_ context.Context, id string) (*Draft, error) {
	return counted(q.Resolver, q.draft(id))
}
func (q query) MustDraft(_ context.Context, id string) (*Draft, error) {
	return counted(q.Resolver, q.draft(id))
}
func (q query) Club(_ context.Context, id string) (*Club, error) {
	return counted(q.Resolver, q.club(id))
}
func (q query) Locker(_ context.Context, id string) (*Locker, error) {
	return counted(q.Resolver, q.locker(id))
}
func (q query) Memo(_ context.Context, id string) (*Memo, error) {
	return counted(q.Resolver, q.memo(id))
}

func (q query) Nodes(context.Context) ([]Node, error) {
	return counted(q.Resolver, []Node{
		q.post("p1"), q.draft("d1"), q.draft("d2"), nil, q.club("c1"), q.club("c2"), q.memo("m1"), q.member("bob"),
	})
}
func (q query) Documents(context.Context) ([]Document, error) {
	return counted(q.Resolver, []Document{q.post("p2"), q.draft("d1"), q.draft("d3")})
}
func (q query) Search(_ context.Context, text *string, _, _ *bool) ([]Result, error) {
	if text != nil && *text == "posts" {
		return counted(q.Resolver, []Result{q.post("p1"), q.post("p1").Tags[0], q.post("p0")})
	}
	return counted(q.Resolver, []Result{q.post("p1"), q.draft("d1"), q.memo("m1")})
}
func (q query) Grid(context.Context) ([][]*Post, error) {
	return counted(q.Resolver, [][]*Post{{q.post("p1"), q.post("p2")}, {}, nil, {q.post("pe")}})
}
func (q query) StrictGrid(context.Context) ([][]*Draft, error) {
	return counted(q.Resolver, [][]*Draft{{q.draft("d1"), q.draft("d3")}, {}, {q.draft("d1"), q.draft("d2")}})
}
func (q query) Loose(context.Context) ([][]*Draft, error) {
	return counted(q.Resolver, [][]*Draft{{q.draft("d1"), nil, q.draft("d2")}, nil, {}})
}
func (q query) Drafts(context.Context) ([]*Draft, error) {
	return counted(q.Resolver, []*Draft{q.draft("d1"), q.draft("d2"), q.draft("d3")})
}
func (q query) DraftsOrNull(context.Context) ([]*Draft, error) {
	return counted(q.Resolver, []*Draft{q.draft("d1"), nil, q.draft("d2"), q.draft("d3")})
}
func (q query) Memos(context.Context) ([]*Memo, error) {
	return counted(q.Resolver, []*Memo{q.memo("m1"), q.memo("m2")})
}
func (q query) Count(context.Context, *Filter, []*Filter, [][]*Filter, *Wrapped) (*int, error) {
	return counted(q.Resolver, to(3))
}

func (r *Resolver) vault() *Vault { return &Vault{Gold: to(99), Query: &Query{}, Note: to("note")} }

func (m mutation) Greet(context.Context) (*string, error) { return counted(m.Resolver, to("hello")) }
func (m mutation) Write(context.Context, PostInput) (*Post, error) {
	return counted(m.Resolver, m.post("p1"))
}
func (m mutation) Erase(context.Context, string) (bool, error) { return counted(m.Resolver, true) }
func (m mutation) Seal(context.Context) (*string, error)       { return counted(m.Resolver, to("sealed")) }
func (m mutation) Discard(_ context.Context, id string) (*string, error) {
	return counted(m.Resolver, &id)
}
func (m mutation) Move(context.Context, *MoveInput, []string) (*string, error) {
	return counted(m.Resolver, to("moved"))
}
func (m mutation) Promote(context.Context, string) (*Memo, error) {
	return counted(m.Resolver, m.memo("m1"))
}
func (m mutation) Touch(_ context.Context, id string) (Node, error) {
	return counted(m.Resolver, m.objects[id])
}
func (m mutation) Publish(_ context.Context, id string, _ *bool) (*Post, error) {
	return counted(m.Resolver, m.post(id))
}

// SignIn signs a member in; the answer to an unknown id is null.
func (m mutation) SignIn(_ context.Context, id string) (*Session, error) {
	if m.member(id) == nil {
		return counted[*Session](m.Resolver, nil)
	}
	return counted(m.Resolver, &Session{Token: "t-" + id, Member: m.member(id), Vault: m.vault()})
}
func (m mutation) SignUp(context.Context, *PostInput) (*Session, error) {
	return counted(m.Resolver, &Session{Token: "t-bob", Member: m.member("bob"), Vault: m.vault()})
}
