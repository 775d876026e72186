package accounts_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Use cases of signed-in callers write through write or administer, which check and lock the
// caller's session in the transaction. These are all functions that may do otherwise, and why.
var (
	mayBegin = map[string]string{ // a transaction of Ent's client
		"atomically": "every other transaction begins with it",
	}
	mayCallAtomically = map[string]string{
		"turns.atomically":       "when it is the caller's turn",
		"MaxTokenTTL":            "at the start, without a caller",
		"StoreRefreshTTL":        "at the start, without a caller",
		"sealedKey.read":         "at the start, without a caller",
		"RotateSecret":           "a command, without a caller",
		"SigningKeys.makeFirst":  "at the start, without a caller",
		"SigningKeys.Rotate":     "a command or a background task, without a caller",
		"Service.inOneTx":        "inTx, by turns",
		"Service.sweep":          "a background task",
		"Service.writeUses":      "a background task",
		"Service.WriteRefusals":  "a background task",
		"Service.insertSeal":     "a background task",
		"sqlStore.deleteExpired": "a background task",
		"sqlStore.add":           "counts an attempt before it is known who makes it, by turns",
	}
	mayCallInTx = map[string]string{
		"Service.write":                "locks the caller",
		"Service.inAdministratorsTx":   "administer and DeleteAccount, which lock the caller",
		"Service.createAccount":        "register: nobody is signed in yet",
		"Service.loginOnce":            "login: nobody is signed in yet",
		"Service.Refresh":              "the refresh token says whose session it is",
		"Service.CompleteLogin":        "the challenge says whose account it is",
		"Service.StartPasskeyLogin":    "writes options, whoever asks",
		"Service.PasskeyLogin":         "the passkey says whose account it is",
		"Service.ResetPassword":        "the mailed token says whose account it is",
		"Service.RequestPasswordReset": "writes a job, whoever asks",
		"Service.lockOut":              "the mailed token says whose account it is",
		"Service.DownloadMyData":       "the mailed token says whose account it is",
		"Service.secureToken":          "a background task",
		"Service.FreeFormerAddresses":  "a background task",
		"Service.endExpiredMoves":      "a background task",
		"Service.redeemProof":          "the mailed token says whose account it is",
		"Service.resetMail":            "a background task",
		"Service.eraseSome":            "a background task",
		"Service.removeDue":            "a background task",
		"Service.beginRegistration":    "a background task",
		"Service.requestRegistration":  "writes a job, whoever asks",
		"Service.Logout":               "ends the caller's own session, also when it has ended meanwhile",
		"Service.resetAccount":         "a command of the operator",
		"Service.endNextSessions":      "a command of the operator",
		"Service.refundUnverified":     "gives an attempt back: it concerns no account",
	}
	mayWriteWithout = map[string]string{ // a transaction
		"SigningKeys.Maintain": "a background task",
		"storeOnce":            "one statement, at the start",
	}
)

func TestTransactions_BeginWhereTheRuleAllows(t *testing.T) {
	found := sourceCalls(t)
	for _, c := range []struct {
		what    string
		allowed map[string]string
		is      func(call) bool
	}{
		{"begins a transaction", mayBegin, func(c call) bool { return c.name == "Tx" || c.name == "BeginTx" }},
		{"calls atomically", mayCallAtomically, func(c call) bool { return c.name == "atomically" }},
		{"calls inTx", mayCallInTx, func(c call) bool { return c.name == "inTx" }},
		{"writes outside of a transaction", mayWriteWithout,
			func(c call) bool { return !c.inTx && slices.Contains(writes, c.name) }},
	} {
		callers := map[string]bool{}
		for _, f := range found {
			if c.is(f) {
				callers[f.from] = true
			}
		}
		for from := range callers {
			if c.allowed[from] == "" {
				t.Errorf("%s %s: a use case of a signed-in caller goes through Service.write; otherwise list it here and say why", from, c.what)
			}
		}
		for from := range c.allowed {
			if !callers[from] {
				t.Errorf("%s is listed because it %s, and no longer does", from, c.what)
			}
		}
	}
}

// mayRevokeAlone are the functions that end sessions and leave alone the changes of address that these began, and why.
// The caller who began one may not have been the owner: its link works without a session.
var mayRevokeAlone = map[string]string{
	"Service.Logout":          "the owner may follow the link later",
	"Service.evictSessions":   "the session is one of too many, and nobody says that it is another's",
	"Service.resetAccount":    "setPassword ends all tokens",
	"Service.resetCredential": "ends all tokens",
}

func TestRevokedSessions_TakeBackTheChangesOfAddressThatTheyBegan(t *testing.T) {
	revokes, cancels := map[string]bool{}, map[string]bool{}
	for _, c := range sourceCalls(t) {
		revokes[c.from] = revokes[c.from] || c.name == "revokeSessions"
		cancels[c.from] = cancels[c.from] || c.name == "cancelPending"
	}
	for from, is := range revokes {
		if alone := is && !cancels[from]; alone != (mayRevokeAlone[from] != "") {
			t.Errorf("%s ends sessions: %v, and cancels nothing pending: %v; call cancelPending, or list it here and say why",
				from, is, alone)
		}
	}
	for from := range mayRevokeAlone {
		if !revokes[from] {
			t.Errorf("%s is listed, and ends no sessions", from)
		}
	}
}

// maySignIn are the functions that begin a session, and why nobody passes a second factor by them.
var maySignIn = map[string]string{
	"Service.enter":            "asks for the factor of an account that has one",
	"Service.CompleteLogin":    "the factor is proved",
	"Service.PasskeyLogin":     "a passkey is two factors",
	"Service.ChangePassword":   "the session takes the place of one, and has proved no more than that",
	"Service.Register":         "the account is new",
	"Service.AcceptInvitation": "the account is new",
}

func TestSignIn_NoWayPassesTheSecondFactor(t *testing.T) {
	begins := map[string]bool{}
	for _, c := range sourceCalls(t) {
		begins[c.from] = begins[c.from] || c.name == "signIn"
	}
	for from, is := range begins {
		if is != (maySignIn[from] != "") {
			t.Errorf("%s begins a session: %v; call enter, or list it here and say why", from, is)
		}
	}
}

// writes are the methods of Ent's clients and rows that begin a write.
var writes = []string{"Create", "CreateBulk", "MapCreateBulk", "Update", "UpdateOne", "UpdateOneID", "Delete",
	"DeleteOne", "DeleteOneID", "ExecContext"}

// call is a call in the package's source.
type call struct {
	from string // the declared function around it
	name string // of what is called, without its receiver
	inTx bool   // a function around it is given a transaction
}

// sourceCalls returns every call in the package, tests apart.
func sourceCalls(t *testing.T) (all []call) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	check(t, err)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		check(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				all = append(all, callsIn(f.Body, declaredName(f),
					takesTx(f.Type) || f.Recv != nil && isTx(f.Recv.List[0].Type))...)
			}
		}
	}
	return all
}

func callsIn(body ast.Node, from string, inTx bool) (all []call) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			all = append(all, callsIn(n.Body, from, inTx || takesTx(n.Type))...)
			return false
		case *ast.CallExpr:
			switch called := n.Fun.(type) {
			case *ast.Ident:
				all = append(all, call{from, called.Name, inTx})
			case *ast.SelectorExpr:
				all = append(all, call{from, called.Sel.Name, inTx})
			}
		}
		return true
	})
	return all
}

// declaredName returns Function or Type.Method.
func declaredName(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return strings.TrimPrefix(typeText(f.Recv.List[0].Type), "*") + "." + f.Name.Name
}

func takesTx(f *ast.FuncType) bool {
	return slices.ContainsFunc(f.Params.List, func(p *ast.Field) bool { return isTx(p.Type) })
}

func isTx(e ast.Expr) bool { return slices.Contains([]string{"*transaction", "*ent.Tx"}, typeText(e)) }

// typeText returns the text of a type that is a name, a qualified name or a pointer to one.
func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}
