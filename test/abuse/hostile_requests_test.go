package abuse

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/gatehouse/gatehouse/graph"
	"github.com/gatehouse/gatehouse/internal/querylimit"
	"github.com/gatehouse/gatehouse/internal/servertest"
	"github.com/gatehouse/gatehouse/internal/strictjson"
	"github.com/gatehouse/gatehouse/internal/testenv"
)

const (
	size       = 60_000 // bytes of what nearly fills a body
	headerSize = 20_000 // bytes of what nearly fills the headers
	longName   = 250    // bytes
)

// place is where a part of a request stands.
type place string

const (
	front       place = "front"       // before the document's first token
	variables   place = "variables"   // definitions
	onOperation place = "onOperation" // directives
	root        place = "root"        // fields of the operation
	user        place = "user"        // fields of a User
	arguments   place = "arguments"   // of a field of the operation
	input       place = "input"       // fields of an input object
	list        place = "list"        // elements of a list
	definitions place = "definitions" // operations and fragments
	end         place = "end"         // after the document's last token
	values      place = "values"      // of variables, each with a comma behind it
	members     place = "members"     // of the body, each with a comma before it
	behind      place = "behind"      // the body
	headers     place = "headers"     // a line each
)

// part is what a mistake or a ballast puts into a place. The pattern is repeated: %d is the number of the repetition,
// %e the next, and ~ a name.
type part struct {
	place                  place
	before, pattern, after string
}

func at(p place, pattern string) part { return part{p, "", pattern, ""} }

func around(p place, before, pattern, after string) part { return part{p, before, pattern, after} }

func (p part) write(times int, name string) string {
	return p.before + strings.ReplaceAll(repeat(times, p.pattern), "~", name) + p.after
}

// mistake is a kind of mistake: what it puts into a request, once or as often as its ballast says.
type mistake struct {
	name, code string // of the answer when nothing else is wrong
	mutation   bool   // in place of a query
	parts      []part
}

// ballast is a kind of ballast: what makes a request long or hard to read without being a mistake.
type ballast struct {
	name    string
	parts   []part                               // n times each
	times   bool                                 // the mistake is repeated n times
	long    bool                                 // the mistake's names are long
	letters bool                                 // the mistake's names are n letters long
	wrap    func(n int, op operationText) string // writes the operation
	change  func(n int, r *servertest.Request)   // what the parts cannot write
}

// operationText is an operation in its parts, without a name.
type operationText struct{ kind, typ, variables, directives, selection string }

func (o operationText) named(name string) string {
	return o.kind + name + between("(", o.variables, ")") + o.directives + "{" + o.selection + "}"
}

// requestKind is one request that is made to be expensive, in as many texts as are wanted: no cache has the next.
type requestKind struct {
	name string
	make func(n int) servertest.Request
}

func repeat(n int, pattern string) string {
	if !strings.Contains(pattern, "%") {
		return strings.Repeat(pattern, n)
	}
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(pattern, "%d", fmt.Sprint(i)), "%e", fmt.Sprint(i+1)))
	}
	return b.String()
}

// write joins the parts of a mistake and of n times a ballast by place.
func write(m mistake, b ballast, n int) map[place]string {
	times, name, all := 1, "x", map[place]string{}
	if b.times {
		times = n
	}
	if b.long {
		name = strings.Repeat("x", longName)
	}
	if b.letters {
		name = strings.Repeat("x", n)
	}
	for _, p := range m.parts {
		all[p.place] += p.write(times, name)
	}
	for _, p := range b.parts {
		all[p.place] += p.write(n, "x")
	}
	return all
}

// document writes the document of a request. Mutations have a list and an input object of their own.
func document(m mistake, b ballast, n int, all map[place]string) string {
	op := operationText{"query", "Query", all[variables], all[onOperation], all[root]}
	if m.mutation {
		op.kind, op.typ = "mutation", "Mutation"
		op.selection += `setRoles(input:{userId:"x" roles:[` + all[list] + `USER]` + all[input] + `}` +
			all[arguments] + `){user{` + all[user] + `id}}`
	} else {
		op.selection += "me{" + all[user] + "id}" + between("users(", all[arguments]+between("filter:{", all[input], "}")+
			between("first:[", all[list], "]"), "){totalCount}")
	}
	text := op.named("")
	if b.wrap != nil {
		text = b.wrap(n, op)
	}
	return all[front] + text + all[definitions] + all[end]
}

func between(before, text, after string) string {
	if text == "" {
		return ""
	}
	return before + text + after
}

// request writes one request; the number only makes its text another.
func request(m mistake, b ballast, n, number int) servertest.Request {
	all := write(m, b, n)
	text := fmt.Sprintf("#%d\n", number) + document(m, b, n, all)
	name := ""
	if strings.Contains(text, " Q0") {
		name = `"operationName":"Q0",`
	}
	r := servertest.Request{Body: `{` + name + `"query":` + servertest.JSON(text) + `,"variables":{` +
		strings.TrimSuffix(all[values], ",") + `}` + all[members] + `}` + all[behind]}
	for line := range strings.Lines(all[headers]) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		r.Header = append(r.Header, name, value)
	}
	if b.change != nil {
		b.change(n, &r)
	}
	return r
}

// asGET sends the document as a parameter of a GET request, with n more.
func asGET(n int, r *servertest.Request) {
	body, err := strictjson.Decode([]byte(r.Body), strictjson.Limits{Depth: 100, Values: 1 << 20})
	if object, ok := body.(map[string]any); err == nil && ok {
		document, _ := object["query"].(string)
		r.Method, r.Path, r.Body = "GET", "/graphql?query="+url.QueryEscape(document)+repeat(n, "&a%d=b"), ""
	}
}

var documentLimits = querylimit.NewDocumentLimits(gqlparser.MustLoadSchema(&ast.Source{Input: graph.SDL()}),
	querylimit.DefaultLimits(), false)

// withinLimits reports whether a request is not refused for its size before it is validated.
func withinLimits(m mistake, b ballast, n int) bool {
	r := request(m, b, n, 0)
	_, err := strictjson.Decode([]byte(r.Body), strictjson.Limits{Depth: 2 + querylimit.MaxNesting,
		Values: querylimit.DefaultLimits().Tokens})
	if err == strictjson.ErrDepth || err == strictjson.ErrValues || len(r.Body) > size {
		return false
	}
	refused := documentLimits.Check(document(m, b, n, write(m, b, n)))
	return refused == nil || refused.Extensions["limit"] == nil
}

// most is how often a ballast fits into a request, whatever the limits say.
func most(m mistake, b ballast) int {
	bytes := size
	one, eleven := request(m, b, 1, 0), request(m, b, 11, 0)
	if len(eleven.Body) == len(one.Body) {
		bytes = headerSize
	}
	each := (requestLen(eleven) - requestLen(one)) / 10
	return max(1, (bytes-requestLen(one))/max(each+3, 1)) // three more digits
}

func requestLen(r servertest.Request) int {
	return len(r.Path) + len(r.Body) + len(strings.Join(r.Header, ""))
}

// edge is the most of a ballast that is within the limits, or a little less.
func edge(m mistake, b ballast, most int) int {
	low, high := 1, 2
	for high < most && withinLimits(m, b, high) {
		low, high = high, 2*high
	}
	for high = min(high, most+1); high-low > 1+low/20; {
		if middle := (low + high) / 2; withinLimits(m, b, middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// requestKinds are mistakes with every seventh ballast, as much of it as is within the limits. Requests without a mistake
// have every ballast, and also as much of it as fits into a request; with TEST_LONG=requests all of them have.
func requestKinds(mistakes ...mistake) (kinds []requestKind) {
	for i, m := range mistakes {
		all := m.code == denied || testenv.Long("requests")
		for j, b := range ballasts() {
			if !all && (i+j)%7 != 0 {
				continue
			}
			full := most(m, b)
			sizes := []int{edge(m, b, full), full}
			if !all {
				sizes = sizes[:1]
			}
			for _, n := range slices.Compact(sizes) {
				kinds = append(kinds, requestKind{fmt.Sprintf("%s, %d × %s", m.name, n, b.name),
					func(number int) servertest.Request { return request(m, b, n, number) }})
			}
		}
	}
	return kinds
}
