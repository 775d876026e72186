package abuse

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// requestKind is a kind of request that is made to be expensive, in as many texts as are wanted: no cache has the next.
type requestKind struct {
	name string // with its case of docs/security.md, where there is one
	code string // of the answer
	make func(n int) servertest.Request
}

func post(body string, header ...string) servertest.Request {
	return servertest.Request{Body: body, Header: header}
}

func repeat(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.NewReplacer("%d", fmt.Sprint(i), "%e", fmt.Sprint(i+1)).Replace(pattern))
	}
	return b.String()
}

// full writes a pattern as often as n bytes hold.
func full(bytes int, pattern string) string { return repeat(bytes/(len(pattern)+3), pattern) }

// list writes an item, which ends with a comma, n times.
func list(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item, n), ",") }

// The codes of the answers.
const (
	limitExceeded    = "LIMIT_EXCEEDED"
	validationFailed = "GRAPHQL_VALIDATION_FAILED"
	parseFailed      = "GRAPHQL_PARSE_FAILED"
	badInput         = "BAD_USER_INPUT"
	denied           = "UNAUTHENTICATED" // within all bounds, and not for an anonymous caller
)

// size is that of a document which nearly fills a request.
const size = 60_000

// requestKinds are all kinds.
func requestKinds() []requestKind {
	return slices.Concat(documentKinds(), fragmentKinds(), sharedFragmentKinds(), repetitionKinds(), variableKinds(), httpKinds())
}

func variables(name, code, query, value string) requestKind {
	rest := servertest.JSON(query)[1:] + `,"variables":` + value + `}`
	return requestKind{name, code, func(n int) servertest.Request {
		return post(`{"query":"#` + fmt.Sprint(n) + `\n` + rest)
	}}
}

func document(name, code, text string) requestKind { return variables(name, code, text, "{}") }

func body(name, code, text string) requestKind {
	return requestKind{name, code, func(n int) servertest.Request { return post(fmt.Sprintf("%*s", n%7+1, "") + text) }}
}

func header(name, code string, headers ...string) requestKind {
	return requestKind{name, code, func(n int) servertest.Request {
		return post(`{"query":"#`+fmt.Sprint(n)+`\n{me{id}}"}`, headers...)
	}}
}

// documentKinds are documents that are large, nested or wrong.
func documentKinds() []requestKind {
	return []requestKind{
		document("aliases", limitExceeded, "{"+full(size, "a%d:__typename ")+"}"),
		document("aliases within tokens", limitExceeded, "{"+repeat(330, "a%d:__typename ")+"}"),
		document("same field", limitExceeded, "{"+full(size, "__typename ")+"}"),
		document("same field within tokens", limitExceeded, "{"+repeat(990, "__typename ")+"}"),
		document("same field within fields", denied, "{me{"+repeat(249, "id ")+"}}"),
		document("unknown fields", limitExceeded, "{"+repeat(10, "x%d ")+"me{"+repeat(239, "y%d ")+"}}"),
		document("unknown fields of long names", validationFailed, "{me{"+repeat(230, strings.Repeat("y", 250)+"%d ")+"}}"),
		document("one long unknown field", validationFailed, "{"+strings.Repeat("x", size)+"}"),
		document("one long alias", limitExceeded, "{"+strings.Repeat("x", size)+":__typename}"),
		document("unknown directives", validationFailed, "{__typename "+repeat(400, "@a%d ")+"}"),
		document("known directives", limitExceeded, "{__typename "+repeat(150, "@skip(if:true)")+"}"),
		document("long directives", validationFailed, "{__typename "+repeat(200, "@"+strings.Repeat("a", 280)+"%d ")+"}"),
		document("conflicts", validationFailed, "{me{"+repeat(7, "z:id z:email ")+"}}"),
		document("conflicts of arguments", validationFailed, "{"+repeat(10, "users(first:%d){totalCount}")+"}"),
		document("conflicts deep", validationFailed, "{"+
			repeat(10, "users(first:%d){edges{node{id email name roles status createdAt updatedAt emailVerified sessions{id current}}}}")+"}"),
		document("many operations", validationFailed, repeat(120, "query Q%d{me{id}}")),
		document("many operations share a fragment", validationFailed, repeat(90, "query Q%d{me{...F}}")+
			"fragment F on User{id email name roles status}"),
		document("many variables", validationFailed, "query("+repeat(240, "$v%d:Int ")+"){me{id}}"),
		document("many variables with defaults", validationFailed, "query("+repeat(85, "$v%d:[Int]=[1] ")+"){me{id}}"),
		document("undefined variables", validationFailed, "{"+repeat(9, "user(id:$v%d){id}")+"}"),
		document("unknown types", validationFailed, "query("+repeat(240, "$v%d:T%d ")+"){me{id}}"),
		document("unknown arguments", validationFailed, "{me("+repeat(320, "a%d:1 ")+"){id}}"),
		document("unknown input fields", validationFailed, `mutation{login(input:{`+repeat(320, "a%d:1 ")+`}){tokenType}}`),
		document("wrong enum values", validationFailed, `mutation{setRoles(input:{userId:"x" roles:[`+repeat(900, "A%d ")+
			`]}){user{id}}}`),
		document("wrong values", validationFailed, `mutation{setRoles(input:{userId:"x" roles:[`+repeat(900, "%d ")+
			`]}){user{id}}}`),
		document("list literal", limitExceeded, "{users(first:"+strings.Repeat("[", 490)+strings.Repeat("]", 490)+
			"){totalCount}}"),
		document("deep literal", limitExceeded, "{users(filter:"+strings.Repeat("{a:", 240)+"1"+strings.Repeat("}", 240)+
			"){totalCount}}"),
		document("brackets", limitExceeded, "{users(first:"+strings.Repeat("[", size)+"){totalCount}}"),
		document("nesting", limitExceeded, strings.Repeat("{me", 20_000)),
		document("nesting within tokens", limitExceeded, strings.Repeat("{me", 330)+strings.Repeat("}", 330)),
		document("inline fragments nested", denied, "{"+strings.Repeat("...{", 240)+"me{id}"+strings.Repeat("}", 240)+"}"),
		document("comments", limitExceeded, strings.Repeat("#\n", size/3)),
		document("long comment", denied, "#"+strings.Repeat("x", size)+"\n{me{id}}"),
		document("block string", denied, `{user(id:"""`+strings.Repeat("a\n", size/3)+`"""){id}}`),
		document("empty lines of a block string", denied, `{user(id:"""`+strings.Repeat("\n", 32_500)+`"""){id}}`),
		document("block strings", parseFailed, `{user(id:[`+strings.Repeat(`"""`+strings.Repeat("\n", 30)+`"""`, 800)+
			`]){id}}`),
		document("indented lines", denied, `{user(id:"""`+strings.Repeat(" \n", 21_500)+`"""){id}}`),
		document("escaped quotes", denied, `{user(id:"""`+strings.Repeat(`\"""`, 7_000)+`"""){id}}`),
		document("string", denied, `{user(id:"`+strings.Repeat("é", size/2)+`"){id}}`),
		document("escapes", denied, `{user(id:"`+strings.Repeat(`\u0061`, size/7)+`"){id}}`),
		document("many digits", validationFailed, "{users(first:"+strings.Repeat("9", size)+"){totalCount}}"),
		document("not closed", parseFailed, `{user(id:"`+strings.Repeat("a", size)),
		document("introspection", validationFailed, "{__schema{types{"+repeat(240, "name ")+"}}}"),
		document("introspection circles", validationFailed, "{__schema{"+strings.Repeat("types{fields{type{", 80)+"name"+
			strings.Repeat("}}}", 80)+"}}"),
	}
}

// fragmentKinds are documents whose fragments spread one another.
func fragmentKinds() []requestKind {
	return []requestKind{
		document("doubling fragments", limitExceeded, "{me{...F0}}"+repeat(80, "fragment F%d on User{...F%e ...F%e}")+
			"fragment F80 on User{id}"),
		document("each spreads all later", limitExceeded, "{me{...F0}}"+func() (s string) {
			for i := range 25 {
				s += fmt.Sprintf("fragment F%d on User{id ", i) + repeat(25-i, "...F%d ") + "}"
			}
			return s
		}()),
		document("fragment chain", limitExceeded, "{me{...F0}}"+repeat(100, "fragment F%d on User{id ...F%e}")+
			"fragment F100 on User{id}"),
		document("fragment cycle", validationFailed, "{me{...F0}}"+repeat(60, "fragment F%d on User{id ...F%e ...F0}")+
			"fragment F60 on User{...F0}"),
		document("10,000 fragments", limitExceeded, "{me{id}}"+full(size, "fragment F%d on X{a}")),
		document("wrong input in a fragment chain", limitExceeded, "mutation{...F0}"+
			repeat(60, "fragment F%d on Mutation{__typename ...F%e}")+"fragment F60 on Mutation{login(input:{"+
			repeat(100, "a%d:1 ")+"}){tokenType}}"),
	}
}

// sharedFragmentKinds are documents whose fragments are spread by many.
func sharedFragmentKinds() []requestKind {
	return []requestKind{
		document("wrong values in a shared fragment", limitExceeded, repeat(4, "query Q%d{...F}")+
			"fragment F on Query{users(first:["+repeat(940, "a ")+"]){totalCount}}"),
		document("wrong roles in a shared fragment", limitExceeded, repeat(4, "mutation Q%d{...F}")+
			`fragment F on Mutation{setRoles(input:{userId:"x" roles:[`+repeat(930, "%d ")+`]}){user{id}}}`),
		document("wrong long values in a shared fragment", limitExceeded, repeat(4, "query Q%d{...F}")+
			"fragment F on Query{users(first:["+repeat(900, strings.Repeat("a", 60)+" ")+"]){totalCount}}"),
		document("unknown fields in a shared fragment", validationFailed, repeat(7, "query Q%d{me{...F}}")+
			"fragment F on User{"+repeat(240, "x%d ")+"}"),
		document("unknown long fields in a shared fragment", limitExceeded, repeat(4, "query Q%d{me{...F}}")+
			"fragment F on User{"+repeat(240, strings.Repeat("x", 240)+"%d ")+"}"),
		document("unknown input fields in a shared fragment", validationFailed, repeat(4, "mutation Q%d{...F}")+
			"fragment F on Mutation{login(input:{"+repeat(300, "a%d:1 ")+"}){tokenType}}"),
		document("equal fields in shared fragments", validationFailed, repeat(4, "query Q%d{me{...F}}")+
			"fragment F on User{"+repeat(50, "id ")+"}"),
		document("equal fields in many selections", denied, "{"+repeat(10, "me{"+repeat(23, "id ")+"}")+"}"),
		document("equal fields with selections", denied, "{"+repeat(10, "me{"+repeat(11, "sessions{id}")+"}")+"}"),
		document("conflicting selections", limitExceeded, "{me{"+repeat(80, "sessions{a:id}sessions{a:ip}")+"}}"),
		document("undefined variables in a shared fragment", validationFailed, repeat(30, "query Q%d{...F}")+
			"fragment F on Query{users(first:["+repeat(120, "$v%d ")+"]){totalCount}}"),
		document("a cycle of all with all", limitExceeded, "{me{...F0}}"+
			repeat(28, "fragment F%d on User{"+repeat(28, "...F%d ")+"}")),
		document("a cycle of all with all others", validationFailed, "{me{...F0}}"+func() (s string) {
			for i := range 18 {
				s += fmt.Sprintf("fragment F%d on User{", i) + repeat(18, "...F%d ") + "}"
			}
			return s
		}()),
		document("self cycles", validationFailed, "{me{"+repeat(60, "...F%d ")+"}}"+
			repeat(60, "fragment F%d on User{...F%d ...F%d ...F%d}")),
		document("long names in a cycle", validationFailed, "{me{...F0}}"+repeat(60, "fragment "+strings.Repeat("F", 200)+
			"%d on User{id ..."+strings.Repeat("F", 200)+"%e ..."+strings.Repeat("F", 200)+"0}")+"fragment "+
			strings.Repeat("F", 200)+"60 on User{id}"),
		document("a second fragment of equal fields", validationFailed,
			"{me{...F}} fragment F on User{id} fragment F on User{"+repeat(970, "id ")+"}"),
		document("a second fragment of conflicts", validationFailed,
			"{me{...F}} fragment F on User{id} fragment F on User{"+repeat(7, "sessions{a:id}sessions{a:ip}")+
				repeat(150, "sessions{id}")+"}"),
		document("a second fragment that doubles", validationFailed, "{me{...F0}} fragment F0 on User{id}"+
			repeat(70, "fragment F%d on User{...F%e ...F%e}")+"fragment F70 on User{id}"),
	}
}

// repetitionKinds are documents that say the same again and again.
func repetitionKinds() []requestKind {
	return []requestKind{
		document("deep types", limitExceeded, "query($v:"+strings.Repeat("[", 300)+"Int"+strings.Repeat("]", 300)+
			"){users(first:["+repeat(150, "$v ")+"]){totalCount}}"),
		document("deep types not used", limitExceeded, repeat(3, "query Q%d($v:"+strings.Repeat("[", 150)+"Int"+
			strings.Repeat("]", 150)+"=1){...F}")+"fragment F on Query{__typename}"),
		document("deep types in a shared fragment", limitExceeded, repeat(6, "mutation Q%d($v:"+strings.Repeat("[", 50)+
			"Int"+strings.Repeat("]", 50)+"){...F}")+"fragment F on Mutation{login(input:{"+repeat(70, "email:$v ")+
			"}){tokenType}}"),
		document("deep types used", limitExceeded, "mutation($v:"+strings.Repeat("[", 240)+"Int"+strings.Repeat("]", 240)+
			"){login(input:{"+repeat(120, "email:$v ")+"}){tokenType}}"),
		document("deep types in operations", limitExceeded, repeat(5, "query Q%d($v:"+strings.Repeat("[", 90)+"Int"+
			strings.Repeat("]", 90)+"=1){...F}")+"fragment F on Query{users(first:$v){totalCount}}"),
		document("equal operations", validationFailed, repeat(180, "query Q{me}")),
		document("equal variables", validationFailed, "query("+repeat(240, "$v:Int ")+"){me{id}}"),
		document("equal arguments", validationFailed, "{users("+repeat(320, "first:1 ")+"){totalCount}}"),
		document("equal input fields", validationFailed, "mutation{login(input:{"+repeat(320, "email:1 ")+"}){tokenType}}"),
		document("byte order marks", denied, strings.Repeat("\ufeff", size/3)+"{me{id}}"),
		document("commas", denied, strings.Repeat(",", size)+"{me{id}}"),
	}
}

// variableKinds are variables.
func variableKinds() []requestKind {
	return []requestKind{
		variables("unused variables", limitExceeded, "{me{id}}", `{`+strings.TrimSuffix(full(size, `"v%d":0,`), ",")+`}`),
		variables("objects in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/3, "{},")+`]}`),
		variables("one-member objects", limitExceeded, "{me{id}}", `{"a":[`+list(size/7, `{"":0},`)+`]}`),
		variables("lists in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/3, "[],")+`]}`),
		variables("lists of one in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/4, "[0],")+`]}`),
		variables("numbers in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/2, "0,")+`]}`),
		variables("floats in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/4, "1.5,")+`]}`),
		variables("strings in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/3, `"",`)+`]}`),
		variables("deep variables", badInput, "{me{id}}", `{"a":`+strings.Repeat("[", size/2)+strings.Repeat("]", size/2)+
			`}`),
		variables("nests in variables", limitExceeded, "{me{id}}", `{"a":[`+list(size/21, `[[[[[[[[[[]]]]]]]]]],`)+`]}`),
		variables("roles", limitExceeded, `mutation($i:SetRolesInput!){setRoles(input:$i){user{id}}}`,
			`{"i":{"userId":"x","roles":[`+list(size/7, `"USER",`)+`]}}`),
		variables("wrong roles", limitExceeded, `mutation($i:SetRolesInput!){setRoles(input:$i){user{id}}}`,
			`{"i":{"userId":"x","roles":[`+strings.Repeat(`"USER",`, size/7)+`"NO"]}}`),
		variables("unknown input fields in variables", limitExceeded,
			`mutation($i:LoginInput!){login(input:$i){tokenType}}`, `{"i":{`+strings.TrimSuffix(full(size, `"v%d":0,`), ",")+
				`}}`),
		variables("long variable name", validationFailed, `query($`+strings.Repeat("v", 25_000)+`:ID!){user(id:$`+
			strings.Repeat("v", 25_000)+`){id}}`, `{}`),
	}
}

// httpKinds are bodies and headers.
func httpKinds() []requestKind {
	return []requestKind{
		body("broken JSON", badInput, `{"query":"{me{id}}","variables":{`+full(size, `"v%d":0,`)),
		body("batch", limitExceeded, `[`+strings.TrimSuffix(full(size, `{"query":"{__typename}"},`), ",")+`]`),
		body("deep JSON", badInput, strings.Repeat("[", size)),
		body("deep closed JSON", limitExceeded, strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)),
		body("same member", badInput, `{"query":"{me{id}}"`+strings.Repeat(`,"a":0`, size/6)+`}`),
		body("many members", limitExceeded, `{"query":"{me{id}}"`+full(size, `,"a%d":0`)+`}`),
		body("number of many digits", badInput, `{"query":"{me{id}}","variables":{"a":`+strings.Repeat("9", size)+`}}`),
		body("1 MiB", limitExceeded, `{"query":"`+strings.Repeat("x", 1<<20)+`"}`),
		body("not UTF-8", badInput, `{"query":"`+strings.Repeat("\xff", size)+`"}`),

		header("long token", denied, "Authorization", "Bearer "+strings.Repeat("a", 20_000)),
		header("token of dots", denied, "Authorization", "Bearer "+strings.Repeat("a.", 4_000)),
		header("deep token", denied, "Authorization", "Bearer eyJhbGciOiJFZERTQSJ9."+strings.Repeat("W1tb", 1_900)+".AAAA"),
		header("many media types", denied, "Accept", strings.Repeat("a/b;q=0.1,", 2_500)+"*/*"),
		header("many cookies", denied, "Cookie", strings.TrimSuffix(strings.Repeat("a=b; ", 4_000), "; ")),
		header("many parameters", denied, "Content-Type", "application/json"+full(20_000, ";a%d=b")),
		{"GET", validationFailed, func(n int) servertest.Request {
			document := fmt.Sprintf("#%d\n{me{%s}}", n, repeat(230, "y%d "))
			return servertest.Request{Method: "GET", Path: "/graphql?query=" + url.QueryEscape(document) +
				full(25_000, "&a%d=b")}
		}},
	}
}
