package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
)

// hostile is a kind of request that is made to be dear, in as many texts as are wanted: no cache knows the next one.
type hostile struct {
	name string // with the case of the reference that it is of, where there is one
	code string // of the answer
	make func(n int) *http.Request
}

func jsonText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func graphqlPost(body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/graphql-response+json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
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

// What a hostile request is answered with.
const (
	tooMuch    = "LIMIT_EXCEEDED"
	unfitting  = "GRAPHQL_VALIDATION_FAILED"
	unreadable = "GRAPHQL_PARSE_FAILED"
	badInput   = "BAD_USER_INPUT"
	denied     = "UNAUTHENTICATED" // within all bounds, and nobody may ask it
)

func hostileKinds() []hostile {
	variables := func(name, code, query, value string) hostile {
		rest := jsonText(query)[1:] + `,"variables":` + value + `}`
		return hostile{name, code, func(n int) *http.Request { return graphqlPost(`{"query":"#` + fmt.Sprint(n) + `\n` + rest) }}
	}
	document := func(name, code, text string) hostile { return variables(name, code, text, "{}") }
	body := func(name, code, text string) hostile {
		return hostile{name, code, func(n int) *http.Request { return graphqlPost(fmt.Sprintf("%*s", n%7+1, "") + text) }}
	}
	header := func(name, code string, headers ...string) hostile {
		return hostile{name, code, func(n int) *http.Request {
			return graphqlPost(`{"query":"#`+fmt.Sprint(n)+`\n{me{id}}"}`, headers...)
		}}
	}
	const room = 60_000
	return []hostile{
		document("G-012 aliases", tooMuch, "{"+full(room, "a%d:__typename ")+"}"),
		document("G-012 aliases within tokens", tooMuch, "{"+repeat(330, "a%d:__typename ")+"}"),
		document("G-013 same field", tooMuch, "{"+full(room, "__typename ")+"}"),
		document("G-013 same field within tokens", tooMuch, "{"+repeat(990, "__typename ")+"}"),
		document("G-013 same field within fields", denied, "{me{"+repeat(249, "id ")+"}}"),
		document("G-016 unknown fields", tooMuch, "{"+repeat(10, "x%d ")+"me{"+repeat(239, "y%d ")+"}}"),
		document("G-016 unknown fields of long names", unfitting, "{me{"+repeat(230, strings.Repeat("y", 250)+"%d ")+"}}"),
		document("G-016 one long unknown field", unfitting, "{"+strings.Repeat("x", room)+"}"),
		document("G-082 one long alias", tooMuch, "{"+strings.Repeat("x", room)+":__typename}"),
		document("G-015 unknown directives", unfitting, "{__typename "+repeat(400, "@a%d ")+"}"),
		document("G-015 known directives", tooMuch, "{__typename "+repeat(150, "@skip(if:true)")+"}"),
		document("G-015 long directives", unfitting, "{__typename "+repeat(200, "@"+strings.Repeat("a", 280)+"%d ")+"}"),
		document("G-014 conflicts", unfitting, "{me{"+repeat(7, "z:id z:email ")+"}}"),
		document("G-014 conflicts of arguments", unfitting, "{"+repeat(10, "users(first:%d){totalCount}")+"}"),
		document("G-014 conflicts deep", unfitting, "{"+repeat(10, "users(first:%d){edges{node{id email name roles status createdAt updatedAt emailVerified sessions{id current}}}}")+"}"),
		document("G-020 doubling fragments", tooMuch, "{me{...F0}}"+repeat(80, "fragment F%d on User{...F%e ...F%e}")+"fragment F80 on User{id}"),
		document("G-022 each spreads all later", tooMuch, "{me{...F0}}"+func() (s string) {
			for i := range 25 {
				s += fmt.Sprintf("fragment F%d on User{id ", i) + repeat(25-i, "...F%d ") + "}"
			}
			return s
		}()),
		document("G-022 fragment chain", tooMuch, "{me{...F0}}"+repeat(100, "fragment F%d on User{id ...F%e}")+"fragment F100 on User{id}"),
		document("G-021 fragment cycle", unfitting, "{me{...F0}}"+repeat(60, "fragment F%d on User{id ...F%e ...F0}")+"fragment F60 on User{...F0}"),
		document("G-023 10,000 fragments", tooMuch, "{me{id}}"+full(room, "fragment F%d on X{a}")),
		document("wrong input in a fragment chain", tooMuch, "mutation{...F0}"+repeat(60, "fragment F%d on Mutation{__typename ...F%e}")+"fragment F60 on Mutation{login(input:{"+repeat(100, "a%d:1 ")+"}){tokenType}}"),
		document("many operations", unfitting, repeat(120, "query Q%d{me{id}}")),
		document("many operations share a fragment", unfitting, repeat(90, "query Q%d{me{...F}}")+"fragment F on User{id email name roles status}"),
		document("many variables", unfitting, "query("+repeat(240, "$v%d:Int ")+"){me{id}}"),
		document("many variables with defaults", unfitting, "query("+repeat(85, "$v%d:[Int]=[1] ")+"){me{id}}"),
		document("G-045 undefined variables", unfitting, "{"+repeat(9, "user(id:$v%d){id}")+"}"),
		document("unknown types", unfitting, "query("+repeat(240, "$v%d:T%d ")+"){me{id}}"),
		document("unknown arguments", unfitting, "{me("+repeat(320, "a%d:1 ")+"){id}}"),
		document("unknown input fields", unfitting, `mutation{login(input:{`+repeat(320, "a%d:1 ")+`}){tokenType}}`),
		document("wrong enum values", unfitting, `mutation{setRoles(input:{userId:"x" roles:[`+repeat(900, "A%d ")+`]}){user{id}}}`),
		document("wrong values", unfitting, `mutation{setRoles(input:{userId:"x" roles:[`+repeat(900, "%d ")+`]}){user{id}}}`),
		document("G-018 list literal", tooMuch, "{users(first:"+strings.Repeat("[", 490)+strings.Repeat("]", 490)+"){totalCount}}"),
		document("G-018 deep literal", tooMuch, "{users(filter:"+strings.Repeat("{a:", 240)+"1"+strings.Repeat("}", 240)+"){totalCount}}"),
		document("G-018 brackets", tooMuch, "{users(first:"+strings.Repeat("[", room)+"){totalCount}}"),
		document("G-017 nesting", tooMuch, strings.Repeat("{me", 20_000)),
		document("G-017 nesting within tokens", tooMuch, strings.Repeat("{me", 330)+strings.Repeat("}", 330)),
		document("G-017 inline fragments nested", denied, "{"+strings.Repeat("...{", 240)+"me{id}"+strings.Repeat("}", 240)+"}"),
		document("G-043 comments", tooMuch, strings.Repeat("#\n", room/3)),
		document("G-043 long comment", denied, "#"+strings.Repeat("x", room)+"\n{me{id}}"),
		document("G-043 block string", denied, `{user(id:"""`+strings.Repeat("a\n", room/3)+`"""){id}}`),
		document("G-043 empty lines of a block string", denied, `{user(id:"""`+strings.Repeat("\n", 32_500)+`"""){id}}`),
		document("G-043 block strings", unreadable, `{user(id:[`+strings.Repeat(`"""`+strings.Repeat("\n", 30)+`"""`, 800)+`]){id}}`),
		document("G-043 indented lines", denied, `{user(id:"""`+strings.Repeat(" \n", 21_500)+`"""){id}}`),
		document("escaped quotes", denied, `{user(id:"""`+strings.Repeat(`\"""`, 7_000)+`"""){id}}`),
		document("string", denied, `{user(id:"`+strings.Repeat("é", room/2)+`"){id}}`),
		document("escapes", denied, `{user(id:"`+strings.Repeat(`\u0061`, room/7)+`"){id}}`),
		document("G-044 many digits", unfitting, "{users(first:"+strings.Repeat("9", room)+"){totalCount}}"),
		document("G-043 not closed", unreadable, `{user(id:"`+strings.Repeat("a", room)),
		document("G-026 introspection", unfitting, "{__schema{types{"+repeat(240, "name ")+"}}}"),
		document("G-026 introspection circles", unfitting, "{__schema{"+strings.Repeat("types{fields{type{", 80)+"name"+strings.Repeat("}}}", 80)+"}}"),
		document("wrong values in a shared fragment", tooMuch, repeat(4, "query Q%d{...F}")+"fragment F on Query{users(first:["+repeat(940, "a ")+"]){totalCount}}"),
		document("wrong roles in a shared fragment", tooMuch, repeat(4, "mutation Q%d{...F}")+`fragment F on Mutation{setRoles(input:{userId:"x" roles:[`+repeat(930, "%d ")+`]}){user{id}}}`),
		document("wrong long values in a shared fragment", tooMuch, repeat(4, "query Q%d{...F}")+"fragment F on Query{users(first:["+repeat(900, strings.Repeat("a", 60)+" ")+"]){totalCount}}"),
		document("unknown fields in a shared fragment", unfitting, repeat(7, "query Q%d{me{...F}}")+"fragment F on User{"+repeat(240, "x%d ")+"}"),
		document("unknown long fields in a shared fragment", tooMuch, repeat(4, "query Q%d{me{...F}}")+"fragment F on User{"+repeat(240, strings.Repeat("x", 240)+"%d ")+"}"),
		document("unknown input fields in a shared fragment", unfitting, repeat(4, "mutation Q%d{...F}")+"fragment F on Mutation{login(input:{"+repeat(300, "a%d:1 ")+"}){tokenType}}"),
		document("equal fields in shared fragments", unfitting, repeat(4, "query Q%d{me{...F}}")+"fragment F on User{"+repeat(50, "id ")+"}"),
		document("equal fields in many selections", denied, "{"+repeat(10, "me{"+repeat(23, "id ")+"}")+"}"),
		document("equal fields with selections", denied, "{"+repeat(10, "me{"+repeat(11, "sessions{id}")+"}")+"}"),
		document("conflicting selections", tooMuch, "{me{"+repeat(80, "sessions{a:id}sessions{a:ip}")+"}}"),
		document("undefined variables in a shared fragment", unfitting, repeat(30, "query Q%d{...F}")+"fragment F on Query{users(first:["+repeat(120, "$v%d ")+"]){totalCount}}"),
		document("G-023 a cycle of all with all", tooMuch, "{me{...F0}}"+repeat(28, "fragment F%d on User{"+repeat(28, "...F%d ")+"}")),
		document("G-021 a cycle of all with all others", unfitting, "{me{...F0}}"+func() (s string) {
			for i := range 18 {
				s += fmt.Sprintf("fragment F%d on User{", i) + repeat(18, "...F%d ") + "}"
			}
			return s
		}()),
		document("G-021 self cycles", unfitting, "{me{"+repeat(60, "...F%d ")+"}}"+repeat(60, "fragment F%d on User{...F%d ...F%d ...F%d}")),
		document("G-021 long names in a cycle", unfitting, "{me{...F0}}"+repeat(60, "fragment "+strings.Repeat("F", 200)+"%d on User{id ..."+strings.Repeat("F", 200)+"%e ..."+strings.Repeat("F", 200)+"0}")+"fragment "+strings.Repeat("F", 200)+"60 on User{id}"),
		document("a second fragment of equal fields", unfitting, "{me{...F}} fragment F on User{id} fragment F on User{"+repeat(970, "id ")+"}"),
		document("a second fragment of conflicts", unfitting, "{me{...F}} fragment F on User{id} fragment F on User{"+repeat(7, "sessions{a:id}sessions{a:ip}")+repeat(150, "sessions{id}")+"}"),
		document("a second fragment that doubles", unfitting, "{me{...F0}} fragment F0 on User{id}"+repeat(70, "fragment F%d on User{...F%e ...F%e}")+"fragment F70 on User{id}"),
		document("deep types", tooMuch, "query($v:"+strings.Repeat("[", 300)+"Int"+strings.Repeat("]", 300)+"){users(first:["+repeat(150, "$v ")+"]){totalCount}}"),
		document("deep types not used", tooMuch, repeat(3, "query Q%d($v:"+strings.Repeat("[", 150)+"Int"+strings.Repeat("]", 150)+"=1){...F}")+"fragment F on Query{__typename}"),
		document("deep types in a shared fragment", tooMuch, repeat(6, "mutation Q%d($v:"+strings.Repeat("[", 50)+"Int"+strings.Repeat("]", 50)+"){...F}")+"fragment F on Mutation{login(input:{"+repeat(70, "email:$v ")+"}){tokenType}}"),
		document("deep types used", tooMuch, "mutation($v:"+strings.Repeat("[", 240)+"Int"+strings.Repeat("]", 240)+"){login(input:{"+repeat(120, "email:$v ")+"}){tokenType}}"),
		document("deep types in operations", tooMuch, repeat(5, "query Q%d($v:"+strings.Repeat("[", 90)+"Int"+strings.Repeat("]", 90)+"=1){...F}")+"fragment F on Query{users(first:$v){totalCount}}"),
		document("equal operations", unfitting, repeat(180, "query Q{me}")),
		document("equal variables", unfitting, "query("+repeat(240, "$v:Int ")+"){me{id}}"),
		document("equal arguments", unfitting, "{users("+repeat(320, "first:1 ")+"){totalCount}}"),
		document("equal input fields", unfitting, "mutation{login(input:{"+repeat(320, "email:1 ")+"}){tokenType}}"),
		document("byte order marks", denied, strings.Repeat("\ufeff", room/3)+"{me{id}}"),
		document("commas", denied, strings.Repeat(",", room)+"{me{id}}"),

		variables("G-045 unused variables", tooMuch, "{me{id}}", `{`+strings.TrimSuffix(full(room, `"v%d":0,`), ",")+`}`),
		variables("objects in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat("{},", room/3), ",")+`]}`),
		variables("one-member objects", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat(`{"":0},`, room/7), ",")+`]}`),
		variables("lists in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat("[],", room/3), ",")+`]}`),
		variables("lists of one in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat("[0],", room/4), ",")+`]}`),
		variables("numbers in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat("0,", room/2), ",")+`]}`),
		variables("floats in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat("1.5,", room/4), ",")+`]}`),
		variables("strings in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat(`"",`, room/3), ",")+`]}`),
		variables("G-019 deep variables", badInput, "{me{id}}", `{"a":`+strings.Repeat("[", room/2)+strings.Repeat("]", room/2)+`}`),
		variables("G-019 nests in variables", tooMuch, "{me{id}}", `{"a":[`+strings.TrimSuffix(strings.Repeat(`[[[[[[[[[[]]]]]]]]]],`, room/21), ",")+`]}`),
		variables("roles", tooMuch, `mutation($i:SetRolesInput!){setRoles(input:$i){user{id}}}`, `{"i":{"userId":"x","roles":[`+strings.TrimSuffix(strings.Repeat(`"USER",`, room/7), ",")+`]}}`),
		variables("wrong roles", tooMuch, `mutation($i:SetRolesInput!){setRoles(input:$i){user{id}}}`, `{"i":{"userId":"x","roles":[`+strings.Repeat(`"USER",`, room/7)+`"NO"]}}`),
		variables("unknown input fields in variables", tooMuch, `mutation($i:LoginInput!){login(input:$i){tokenType}}`, `{"i":{`+strings.TrimSuffix(full(room, `"v%d":0,`), ",")+`}}`),
		variables("long variable name", unfitting, `query($`+strings.Repeat("v", 25_000)+`:ID!){user(id:$`+strings.Repeat("v", 25_000)+`){id}}`, `{}`),

		body("G-040 broken JSON", badInput, `{"query":"{me{id}}","variables":{`+full(room, `"v%d":0,`)),
		body("G-005 batch", tooMuch, `[`+strings.TrimSuffix(full(room, `{"query":"{__typename}"},`), ",")+`]`),
		body("G-019 deep JSON", badInput, strings.Repeat("[", room)),
		body("G-019 deep closed JSON", tooMuch, strings.Repeat("[", 9_000)+strings.Repeat("]", 9_000)),
		body("G-007 same member", badInput, `{"query":"{me{id}}"`+strings.Repeat(`,"a":0`, room/6)+`}`),
		body("many members", tooMuch, `{"query":"{me{id}}"`+full(room, `,"a%d":0`)+`}`),
		body("G-044 number of many digits", badInput, `{"query":"{me{id}}","variables":{"a":`+strings.Repeat("9", room)+`}}`),
		body("G-038 1 MiB", tooMuch, `{"query":"`+strings.Repeat("x", 1<<20)+`"}`),
		body("G-042 not UTF-8", badInput, `{"query":"`+strings.Repeat("\xff", room)+`"}`),

		header("long token", denied, "Authorization", "Bearer "+strings.Repeat("a", 20_000)),
		header("token of dots", denied, "Authorization", "Bearer "+strings.Repeat("a.", 4_000)),
		header("deep token", denied, "Authorization", "Bearer eyJhbGciOiJFZERTQSJ9."+strings.Repeat("W1tb", 1_900)+".AAAA"),
		header("G-085 many media types", denied, "Accept", strings.Repeat("a/b;q=0.1,", 2_500)+"*/*"),
		header("many cookies", denied, "Cookie", strings.TrimSuffix(strings.Repeat("a=b; ", 4_000), "; ")),
		header("G-037 many parameters", denied, "Content-Type", "application/json"+full(20_000, ";a%d=b")),
		{"GET", unfitting, func(n int) *http.Request {
			r := httptest.NewRequest(http.MethodGet, "/graphql?query="+url.QueryEscape(fmt.Sprintf("#%d\n{me{%s}}", n, repeat(230, "y%d ")))+full(25_000, "&a%d=b"), nil)
			r.Header.Set("Accept", "application/graphql-response+json")
			return r
		}},
	}
}
