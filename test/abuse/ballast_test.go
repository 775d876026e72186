package abuse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse/gatehouse/internal/servertest"
)

// ballasts are all kinds of ballast.
func ballasts() []ballast {
	return slices.Concat(repetitions(), wraps(), documentBallasts(), valueBallasts(), bodyBallasts(), headerBallasts())
}

func filler(name string, where place, pattern string) ballast {
	return ballast{name: name, parts: []part{at(where, pattern)}}
}

func repetitions() []ballast {
	return []ballast{
		{name: "itself", times: true},
		{name: "itself with long names", times: true, long: true},
		{name: "letters of its name", letters: true},
	}
}

// wraps are fragments and operations around a mistake.
func wraps() []ballast {
	fragment := func(name string, op operationText, selection string) string {
		return "fragment " + name + " on " + op.typ + "{" + selection + "}"
	}
	// sharedBy has k operations spread one fragment.
	sharedBy := func(k int, op operationText) string {
		shared := fragment("F", op, op.selection)
		op.selection = "...F"
		return repeat(k, op.named(" Q%d")) + shared
	}
	// first is an operation that spreads the first of n fragments, the last of which has the selection.
	first := func(n int, op operationText, pattern string) string {
		last := fragment(fmt.Sprint("F", n), op, op.selection)
		op.selection = "...F0"
		return op.named("") + repeat(n, fragment("F%d", op, pattern)) + last
	}
	return []ballast{
		{name: "operations that share it", wrap: sharedBy},
		{name: "itself, shared by four operations", times: true,
			wrap: func(_ int, op operationText) string { return sharedBy(4, op) }},
		{name: "itself, shared by thirty operations", times: true,
			wrap: func(_ int, op operationText) string { return sharedBy(30, op) }},
		{name: "itself with long names, shared by four operations", times: true, long: true,
			wrap: func(_ int, op operationText) string { return sharedBy(4, op) }},
		{name: "itself with long names, shared by thirty operations", times: true, long: true,
			wrap: func(_ int, op operationText) string { return sharedBy(30, op) }},
		{name: "operations that share many fields", wrap: func(n int, op operationText) string {
			op.selection += strings.Repeat("me{id email name roles status createdAt updatedAt emailVerified"+
				" sessions{id current createdAt lastUsedAt expiresAt userAgent ip}}", 8)
			return sharedBy(n, op)
		}},
		{name: "itself behind sixty fragments", times: true,
			wrap: func(_ int, op operationText) string { return first(60, op, "__typename ...F%e") }},
		{name: "chain of fragments", wrap: func(n int, op operationText) string { return first(n, op, "__typename ...F%e") }},
		{name: "doubling fragments", wrap: func(n int, op operationText) string { return first(n, op, "...F%e ...F%e") }},
		{name: "fragments that spread the first", wrap: func(n int, op operationText) string {
			return first(n, op, "__typename ...F%e ...F0")
		}},
		{name: "fragments that spread all", wrap: func(n int, op operationText) string {
			n = min(n, 140) // squared
			return first(n, op, repeat(n+1, "...F%d "))
		}},
		{name: "fragments side by side", wrap: func(n int, op operationText) string {
			op.selection += repeat(n, "...F%d ")
			return op.named("") + repeat(n, fragment("F%d", op, "__typename"))
		}},
		{name: "nested inline fragments", wrap: func(n int, op operationText) string {
			op.selection = strings.Repeat("...{", n) + op.selection + strings.Repeat("}", n)
			return op.named("")
		}},
		{name: "itself in inline fragments that are compared again", times: true, wrap: func(_ int, op operationText) string {
			op.selection = strings.Repeat("...{", 4) + op.selection + strings.Repeat("}", 4)
			return op.named("")
		}},
		{name: "other operations", wrap: func(n int, op operationText) string {
			return op.named(" Q0") + repeat(n, "query R%d{me{id}}")
		}},
	}
}

// documentBallasts fill documents.
func documentBallasts() []ballast {
	return []ballast{
		filler("aliases", root, "a%d:__typename "),
		filler("equal fields", root, "__typename "),
		filler("fields", user, "id email name roles status createdAt updatedAt emailVerified "),
		filler("equal selections", user, "sessions{id}"),
		filler("selections of equal fields", user, "sessions{id id id id id id id id id id id}"),
		filler("fields with directives", root, "__typename@skip(if:true)@include(if:false)"),
		filler("unused fragments", definitions, "fragment G%d on User{id}"),
		filler("comments", front, "#\n"),
		{name: "long comment", parts: []part{around(front, "#", "x", "\n")}},
		filler("commas", front, ","),
		filler("commas at the end", end, ","),
		filler("byte order marks", front, "\ufeff"),
		filler("lines", front, "\n"),
		filler("variables", variables, "$b%d:Int "),
		filler("variables with defaults", variables, "$b%d:[[Int]]=[[1]] "),
		filler("uses of a variable", list, "$v "),
		{name: "nested type of a variable", parts: []part{around(variables, "$t:", "[", "Int"),
			around(variables, "", "]", " "), around(root, "users(first:[$t $t $t $t $t $t $t $t $t", "", "]){totalCount}")}},
	}
}

// valueBallasts are literals.
func valueBallasts() []ballast {
	// inside has the field user with an ID, which the pattern fills n times.
	inside := func(name, before, pattern, after string) ballast {
		return ballast{name: name, parts: []part{around(root, "user(id:"+before, pattern, after+"){id}")}}
	}
	nested := func(name, opening, closing string) ballast {
		return ballast{name: name, parts: []part{
			around(root, "users(filter:", opening, "1"), around(root, "", closing, "){totalCount}"),
		}}
	}
	return []ballast{
		inside("letters of a string", `"`, "é", `"`),
		inside("escapes of a string", `"`, `\u0061`, `"`),
		inside("lines of a block string", `"""`, "a\n", `"""`),
		inside("empty lines of a block string", `"""`, "\n", `"""`),
		inside("indented lines of a block string", `"""`, " \n", `"""`),
		inside("escaped quotes of a block string", `"""`, `\"""`, `"""`),
		inside("block strings", "[", `"""`+"\n\n\n\n\n\n\n\n\n\n"+`"""`, "]"),
		inside("digits", "", "9", ""),
		inside("elements of a list", "[", "1 ", "]"),
		inside("objects in a list", "[", "{a:1}", "]"),
		inside("fields of an object", "{", "a%d:1 ", "}"),
		inside("letters of a word", "a", "a", ""),
		nested("nested lists", "[", "]"),
		nested("nested objects", "{a:", "}"),
		filler("open brackets", end, "["),
		filler("open selections", end, "{me"),
	}
}

// bodyBallasts are variables and other members of the body.
func bodyBallasts() []ballast {
	return []ballast{
		filler("numbers in variables", values, `"v%d":0,`),
		filler("objects in variables", values, `"v%d":{},`),
		filler("objects of one in variables", values, `"v%d":{"":0},`),
		filler("lists of one in variables", values, `"v%d":[1.5],`),
		filler("nests in variables", values, `"v%d":[[[[[[[[[[[[[[0]]]]]]]]]]]]]],`),
		filler("escapes in variables", values, `"v%d":"\u0061\u0061\u0061\u0061\u0061\u0061\u0061\u0061\u0061",`),
		filler("members", members, `,"a%d":0`),
		filler("equal members", members, `,"a":0`),
		filler("extensions", members, `,"e%d":{"extensions":{"persistedQuery":{"sha256Hash":""}}}`),
		filler("spaces behind", behind, " "),
		{name: "nested variable", parts: []part{around(values, `"d":`, "[", ""), around(values, "", "]", ",")}},
		{name: "digits in a variable", parts: []part{around(values, `"d":`, "9", ",")}},
		{name: "letters in a variable", parts: []part{around(values, `"d":"`, "é", `",`)}},
		{name: "batch", change: func(n int, r *servertest.Request) {
			r.Body = "[" + strings.Repeat(`{"query":"{__typename}"},`, n) + r.Body + "]"
		}},
		{name: "more than a body", change: func(n int, r *servertest.Request) { r.Body += strings.Repeat(" ", 50*n) }},
	}
}

// headerBallasts are headers and parameters of GET.
func headerBallasts() []ballast {
	header := func(name, before, pattern string) ballast {
		return ballast{name: name, parts: []part{around(headers, before, pattern, "\n")}}
	}
	return []ballast{
		header("headers", "X-Long: a", "a"),
		header("letters of a token", "Authorization: Bearer a", "a"),
		header("dots of a token", "Authorization: Bearer a", "a."),
		header("nests of a token", "Authorization: Bearer eyJhbGciOiJFZERTQSJ9.", "W1tb"),
		header("media types", "Accept: */*", ",a/b;q=0.1"),
		header("cookies", "Cookie: a=b", "; a=b"),
		header("parameters of the media type", "Content-Type: application/json", ";a%d=b"),
		filler("short headers", headers, "X-%d: a\n"),
		{name: "parameters", change: asGET},
	}
}
