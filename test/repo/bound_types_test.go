package repo

import (
	"go/types"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent"
	gopackages "golang.org/x/tools/go/packages"

	"github.com/gatehouse/gatehouse/ent/schema"
)

// TestBoundTypes_ReachNoRowAndNoSensitiveColumn follows every Go type that GraphQL's objects are bound to, embedded ones
// and methods included: none of them is a row of a table, and nothing has the name of a column that is Sensitive.
func TestBoundTypes_ReachNoRowAndNoSensitiveColumn(t *testing.T) {
	loaded, err := gopackages.Load(&gopackages.Config{Mode: gopackages.NeedName | gopackages.NeedTypes |
		gopackages.NeedImports | gopackages.NeedExportFile}, module+"/graph", module+"/ent", module+"/ent/schema")
	if err != nil || gopackages.PrintErrors(loaded) > 0 {
		t.Fatal(err)
	}
	scopes := map[string]*types.Package{}
	for _, p := range loaded {
		scopes[strings.TrimPrefix(p.PkgPath, module+"/")] = p.Types
	}
	reach := &boundTypes{sensitive: sensitiveColumns(t, scopes["ent/schema"]), seen: map[types.Type]bool{}}
	for _, name := range scopes["graph"].Scope().Names() {
		if resolvers, ok := scopes["graph"].Scope().Lookup(name).Type().Underlying().(*types.Interface); ok {
			for m := range resolvers.Methods() {
				reach.followResults(name+"."+m.Name(), m)
			}
		}
	}
	for _, found := range reach.found {
		t.Error(found)
	}
	if !slices.Contains(reach.named, "User") || !slices.Contains(reach.named, "Session") || len(reach.sensitive) < 4 {
		t.Errorf("followed %v, looking for %v", reach.named, reach.sensitive)
	}
	// The control: a row that is embedded in a type with a harmless name.
	row := scopes["ent"].Scope().Lookup("User").Type()
	embedding := types.NewStruct([]*types.Var{types.NewField(0, nil, "User", types.NewPointer(row), true)}, nil)
	control := &boundTypes{sensitive: reach.sensitive, seen: map[types.Type]bool{}}
	control.follow("control", embedding)
	if len(control.found) == 0 {
		t.Error("an embedded row is not found")
	}
}

// sensitiveColumns are the names of the columns that are Sensitive, without underscores, of all tables.
func sensitiveColumns(t *testing.T, tables *types.Package) (names []string) {
	t.Helper()
	all := map[string]ent.Interface{
		"AccessToken": schema.AccessToken{},
		"Address":     schema.Address{}, "AuditEvent": schema.AuditEvent{}, "AuditSeal": schema.AuditSeal{},
		"Erasure": schema.Erasure{}, "Job": schema.Job{}, "OneTimeToken": schema.OneTimeToken{}, "Passkey": schema.Passkey{},
		"RecoveryCode": schema.RecoveryCode{},
		"TotpFactor":   schema.TotpFactor{}, "Revocation": schema.Revocation{},
		"Session": schema.Session{}, "Setting": schema.Setting{},
		"SigningKey": schema.SigningKey{}, "Throttle": schema.Throttle{}, "User": schema.User{},
	}
	for _, name := range tables.Scope().Names() {
		if all[name] == nil && tables.Scope().Lookup(name).Exported() {
			t.Errorf("this test does not know the table %s", name)
		}
	}
	for _, table := range all {
		for _, f := range table.Fields() {
			if d := f.Descriptor(); d.Sensitive {
				names = append(names, strings.ReplaceAll(d.Name, "_", ""))
			}
		}
	}
	return names
}

// boundTypes follows types of our own to all that they contain.
type boundTypes struct {
	sensitive []string
	seen      map[types.Type]bool
	named     []string
	found     []string
}

func (b *boundTypes) follow(path string, t types.Type) {
	if b.seen[t] {
		return
	}
	b.seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Pointer:
		b.follow(path, t.Elem())
	case *types.Slice:
		b.follow(path, t.Elem())
	case *types.Array:
		b.follow(path, t.Elem())
	case *types.Map:
		b.follow(path, t.Elem())
	case *types.Chan:
		b.follow(path, t.Elem())
	case *types.Named:
		b.followNamed(path, t)
	case *types.Struct:
		for f := range t.Fields() {
			if !f.Exported() && !f.Embedded() {
				continue // gqlgen cannot read it
			}
			b.check(path, f.Name())
			b.follow(path+"."+f.Name(), f.Type())
		}
	}
}

func (b *boundTypes) followNamed(path string, t *types.Named) {
	pkg := t.Obj().Pkg()
	if pkg == nil || !strings.HasPrefix(pkg.Path(), module+"/") {
		return
	}
	if strings.HasPrefix(pkg.Path()+"/", module+"/ent/") {
		b.found = append(b.found, path+" is the row "+t.String())
		return
	}
	b.named = append(b.named, t.Obj().Name())
	for m := range types.NewMethodSet(types.NewPointer(t)).Methods() {
		b.check(path, m.Obj().Name())
		b.followResults(path+"."+m.Obj().Name(), m.Obj().(*types.Func))
	}
	b.follow(path, t.Underlying())
	if contract, ok := t.Underlying().(*types.Interface); ok {
		b.followImplementers(path, contract, pkg.Scope())
	}
}

func (b *boundTypes) followResults(path string, f *types.Func) {
	for result := range f.Signature().Results().Variables() {
		b.follow(path, result.Type())
	}
}

func (b *boundTypes) followImplementers(path string, contract *types.Interface, in *types.Scope) {
	for _, name := range in.Names() {
		if t := types.NewPointer(in.Lookup(name).Type()); types.Implements(t, contract) {
			b.follow(path+"("+name+")", t)
		}
	}
}

func (b *boundTypes) check(path, name string) {
	if slices.Contains(b.sensitive, strings.ToLower(name)) {
		b.found = append(b.found, path+"."+name+" has the name of a Sensitive column")
	}
}
