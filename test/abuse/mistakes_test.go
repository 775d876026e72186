package abuse

import "slices"

// The codes of the answers.
const (
	limitExceeded    = "LIMIT_EXCEEDED"
	validationFailed = "GRAPHQL_VALIDATION_FAILED"
	parseFailed      = "GRAPHQL_PARSE_FAILED"
	badInput         = "BAD_USER_INPUT"
	denied           = "UNAUTHENTICATED" // no mistake but this: an anonymous caller
)

func wrong(name, code string, parts ...part) mistake { return mistake{name, code, false, parts} }

func wrongMutation(name, code string, parts ...part) mistake { return mistake{name, code, true, parts} }

// mistakes are all kinds of mistake. Names are written as ~, so that a ballast can make them long, and are numbered
// where equal names are not the mistake.
func mistakes() []mistake {
	return slices.Concat(fieldMistakes(), directiveMistakes(), valueMistakes(), fragmentMistakes(), variableMistakes(),
		operationMistakes(), syntaxMistakes(), requestMistakes())
}

// someMistakes is every eighth of them.
func someMistakes() (some []mistake) {
	for i, m := range mistakes() {
		if i%8 == 0 {
			some = append(some, m)
		}
	}
	return some
}

func fieldMistakes() []mistake {
	return []mistake{
		wrong("a denied query", denied),
		wrongMutation("a denied mutation", denied),
		wrong("equal fields", denied, at(user, "id ")),
		wrong("equal fields with selections", denied, at(user, "sessions{id}")),
		wrong("unknown field", validationFailed, at(user, "~%d ")),
		wrong("unknown root field", validationFailed, at(root, "~%d ")),
		wrong("unknown root field of a mutation with a selection", validationFailed, at(root, "~%d{~%d{~%d}}")),
		wrong("conflicting aliases", validationFailed, at(user, "z:id z:email ")),
		wrong("conflicting arguments", validationFailed, at(root, "users(first:%d){totalCount}users(first:%e){totalCount}")),
		wrong("conflict below", validationFailed, at(user, "sessions{a:id}sessions{a:ip}")),
		wrong("conflict in inline fragments", validationFailed, at(user, "...{z:id}...on User{z:email}")),
		wrong("no selection", validationFailed, at(user, "sessions ")),
		wrong("selection of a scalar", validationFailed, at(user, "email{~%d}")),
		wrong("long alias", limitExceeded, at(root, "a111111111111111111111111111111111111111111111111111111111111111"+
			"1111111111111111111111111111111111111111111111111111:__typename ")),
		wrong("introspection", validationFailed, at(root, "__schema{types{name}}")),
		wrong("too deep", limitExceeded, at(user, "a{a{a{a{a{a{a{a{a{~%d}}}}}}}}}")),
	}
}

func directiveMistakes() []mistake {
	return []mistake{
		wrong("unknown directive", validationFailed, at(user, "id@~%d ")),
		wrong("unknown directives on one field", validationFailed, at(root, "__typename "), at(onOperation, "@~%d ")),
		wrong("directive in the wrong place", validationFailed, at(user, "id@deprecated ")),
		wrong("repeated directive", validationFailed, at(user, "id@skip(if:false)@skip(if:false) ")),
		wrong("repeated directives on one operation", validationFailed, at(onOperation, "@skip(if:true)")),
		wrong("wrong argument of a directive", validationFailed, at(user, "id@skip(~%d:true) ")),
		wrong("directive without its argument", validationFailed, at(user, "id@include ")),
		wrong("defer", validationFailed, at(user, "...@defer{id}")),
	}
}

func valueMistakes() []mistake {
	return []mistake{
		wrong("unknown argument", validationFailed, at(arguments, "~%d:1 ")),
		wrong("equal arguments", validationFailed, at(arguments, "first:1 first:1 ")),
		wrong("string for a number", validationFailed, at(arguments, `first:"~%d" `)),
		wrong("missing argument", validationFailed, at(root, "user{id}")),
		wrong("unknown input field", validationFailed, at(input, "~%d:1 ")),
		wrong("equal input fields", validationFailed, at(input, "status:ACTIVE status:ACTIVE ")),
		wrong("wrong object", validationFailed, at(input, "status:{~%d:1} ")),
		wrong("list for a number", validationFailed, at(list, "%d ")),
		wrong("words in a list", validationFailed, at(list, "~%d ")),
		wrongMutation("numbers for roles", validationFailed, at(list, "%d ")),
		wrongMutation("unknown roles", validationFailed, at(list, "~%d ")),
		wrongMutation("strings for roles", validationFailed, at(list, `"~%d" `)),
		wrongMutation("unknown input field of a mutation", validationFailed, at(input, "~%d:1 ")),
		wrongMutation("nested roles", validationFailed, at(list, "[[[~%d]]] ")),
		wrong("nested too deep", limitExceeded, at(list, "[[[[[[[[[[[[[[[[[%d]]]]]]]]]]]]]]]]] ")),
		wrong("number out of range", validationFailed, at(arguments, "first:99999999999999999999 ")),
	}
}

func fragmentMistakes() []mistake {
	return []mistake{
		wrong("unknown fragment", validationFailed, at(user, "...~%d ")),
		wrong("unused fragment", validationFailed, at(definitions, "fragment ~%d on User{id}")),
		wrong("equal fragments", validationFailed, at(definitions, "fragment X on User{id}fragment X on User{email}")),
		wrong("fragment cycle", validationFailed, at(user, "...~%d "),
			at(definitions, "fragment ~%d on User{id ...~%d ...~0}")),
		wrong("cycle of two", validationFailed, at(user, "...~%d "),
			at(definitions, "fragment ~%d on User{...~%da}fragment ~%da on User{id ...~%d}")),
		wrong("fragment on an unknown type", validationFailed, at(user, "...on ~%d{id}")),
		wrong("fragment on a type that cannot be", validationFailed, at(user, "...on Session{id}")),
		wrong("fragment on a scalar", validationFailed, at(user, "...on ID{~%d}")),
		wrong("unknown field in a fragment", validationFailed, at(user, "...~%d "),
			at(definitions, "fragment ~%d on User{~%d}")),
	}
}

func variableMistakes() []mistake {
	return []mistake{
		wrong("unused variable", validationFailed, at(variables, "$~%d:Int ")),
		wrong("equal variables", validationFailed, at(variables, "$v:Int $v:Int "), at(arguments, "first:$v ")),
		wrong("variable of an unknown type", validationFailed, at(variables, "$~%d:~%d ")),
		wrong("variable of an object type", validationFailed, at(variables, "$~%d:User ")),
		wrong("wrong default", validationFailed, at(variables, `$~%d:Int="x" `)),
		wrong("variable in the wrong place", validationFailed, at(variables, "$~%d:[[Boolean]] "), at(list, "$~%d ")),
		wrong("unknown variable", validationFailed, at(list, "$~%d ")),
		wrong("type nested too deep", limitExceeded, at(variables, "$~%d:[[[[[[[[[[[[[[[[[Int]]]]]]]]]]]]]]]]] ")),
		wrongMutation("missing value", validationFailed, at(variables, "$~%d:Role! "), at(list, "$~%d ")),
		wrongMutation("value of the wrong type", validationFailed, at(variables, "$~%d:Role "), at(list, "$~%d "),
			at(values, `"~%d":[1],`)),
		wrongMutation("unknown value", validationFailed, at(variables, "$~%d:Role! "), at(list, "$~%d "),
			at(values, `"~%d":"~",`)),
		wrongMutation("null where none may be", validationFailed, at(variables, "$~%d:Role=USER "), at(list, "$~%d "),
			at(values, `"~%d":null,`)),
	}
}

func operationMistakes() []mistake {
	return []mistake{
		wrong("equal operations", validationFailed, at(definitions, "query Q{me{id}}query Q{me{id}}")),
		wrong("operation without a name", validationFailed, at(definitions, "{me{id}}")),
		wrong("subscription", validationFailed, at(definitions, "subscription ~%d{me{id}}")),
		wrong("unknown root", parseFailed, at(definitions, "mutate ~%d{me{id}}")),
		wrong("a definition of a type", parseFailed, at(definitions, "type ~%d{id:ID}")),
		wrongMutation("several sign-ins", limitExceeded, at(root,
			`logout{success}refresh(input:{}){tokenType}login(input:{email:"~%d" password:"x"}){tokenType}`)),
	}
}

func syntaxMistakes() []mistake {
	return []mistake{
		wrong("closed at the start", parseFailed, at(front, "}")),
		wrong("opened at the end", parseFailed, at(end, "{")),
		wrong("string without an end", parseFailed, at(end, `"~`)),
		wrong("block string without an end", parseFailed, at(end, `"""~`)),
		wrong("unknown character", parseFailed, at(end, "?")),
		wrong("unknown escape", parseFailed, at(arguments, `search:"\q" `)),
		wrong("half of a pair", badInput, at(arguments, `search:"\ud800" `)),
		wrong("number with a zero before it", parseFailed, at(arguments, "first:01 ")),
		wrong("empty selection", parseFailed, at(user, "sessions{}")),
		wrong("argument without a value", parseFailed, at(arguments, "first: ")),
	}
}

func requestMistakes() []mistake {
	header := func(name, code, line string) mistake { return wrong(name, code, at(headers, line+"\n")) }
	return []mistake{
		wrong("broken JSON", badInput, at(behind, "{")),
		wrong("query twice", badInput, at(members, `,"query":"{~%d}"`)),
		wrong("no object of variables", badInput, at(members, `,"variables":[]`)),
		wrong("number of many digits", badInput, at(values, `"~%d":`+"1e999,")),
		wrong("half of a pair in a value", badInput, at(values, `"~%d":"\ud800",`)),
		wrong("no UTF-8", badInput, at(members, ",\"~%d\":\"\xff\"")),
		wrong("value nested too deep", limitExceeded, at(values, `"~%d":[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]],`)),
		header("unusable token", denied, "Authorization: Bearer eyJhbGciOiJFZERTQSJ9.e30.AAAA"),
		header("no media type for the answer", badInput, "Accept: text/html"),
		header("wrong media type of the body", badInput, "Content-Type: text/plain"),
		header("compressed body", badInput, "Content-Encoding: gzip"),
		header("refused cookie", "FORBIDDEN", "Cookie: gatehouse_refresh=x"),
	}
}
