// Package strictjson reads JSON that a client sent, where two readers must not understand one text differently. It is
// stricter than encoding/json (RFC 8259, section 4, leaves these to the reader): no object has a name twice, names keep
// their case, text is valid UTF-8, nothing follows the value, and both nesting and the number of values are bounded. It
// knows neither requests nor tokens.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The errors of Decode, with DuplicateNameError. None quotes the text, which may hold a password.
var (
	ErrSyntax = errors.New("it is not one JSON value in UTF-8")
	ErrDepth  = errors.New("it nests too deep")
	ErrValues = errors.New("it holds too many values")
	// ErrSurrogate is for an escape such as \ud800 without its other half, which names no character (RFC 8259, section
	// 8.2). Other readers make U+FFFD of it, so that different texts would become one.
	ErrSurrogate = errors.New("it holds half of a surrogate pair")
	ErrNumber    = errors.New("it holds a number out of range")
	ErrNotObject = errors.New("it is not an object")
)

// DuplicateNameError is the name of a member that an object has twice.
type DuplicateNameError string

func (DuplicateNameError) Error() string { return "an object has a member twice" }

// Limits bound a text. A value of two bytes takes a hundred when it is decoded, so that the length alone does not.
type Limits struct {
	Depth  int // how many arrays and objects may be inside one another
	Values int // how many values there may be, arrays and objects included
}

// Decode reads one JSON value. Objects are map[string]any, arrays []any; a whole number is an int64 if it fits, and any
// other a float64. (A json.Number would be a string to a reader that looks at kinds, as gqlgen does.)
func Decode(text []byte, limits Limits) (any, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	d := decoder{rest: text, values: limits.Values}
	return d.value(limits.Depth)
}

// Member is a name and its value in an object.
type Member struct {
	Name  string
	Value any
}

// maxMembers bounds the names that are compared each with each.
const maxMembers = 16

// DecodeMembers reads an object as Decode does, into a list: of a few members it takes a fraction of a map's memory. It
// returns ErrNotObject for another value.
func DecodeMembers(text []byte, limits Limits) ([]Member, error) {
	if err := check(text); err != nil {
		return nil, err
	}
	d := decoder{rest: text, values: limits.Values - 1}
	if d.next() != '{' || limits.Depth == 0 || limits.Values == 0 {
		return membersOf(Decode(text, limits))
	}
	d.take(1)
	all := make([]Member, 0, 2)
	for d.next() != '}' {
		if len(all) == maxMembers {
			return membersOf(Decode(text, limits))
		}
		name := d.text()
		if slices.ContainsFunc(all, func(m Member) bool { return m.Name == name }) {
			return nil, DuplicateNameError(name)
		}
		value, err := d.value(limits.Depth - 1)
		if err != nil {
			return nil, err
		}
		all = append(all, Member{name, value})
	}
	return all, nil
}

func membersOf(value any, err error) ([]Member, error) {
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, ErrNotObject
	}
	all := make([]Member, 0, len(object))
	for name, value := range object {
		all = append(all, Member{name, value})
	}
	return all, nil
}

func check(text []byte) error {
	if !utf8.Valid(text) || !json.Valid(text) {
		return ErrSyntax
	}
	if bytes.IndexByte(text, '\\') >= 0 && hasLoneSurrogate(text) {
		return ErrSurrogate
	}
	return nil
}

// HasLoneSurrogate reports whether a text has an escape of half a surrogate pair. JSON and strings of GraphQL write
// escapes alike.
func HasLoneSurrogate(text string) bool {
	return strings.IndexByte(text, '\\') >= 0 && hasLoneSurrogate(text)
}

func hasLoneSurrogate[T string | []byte](text T) bool {
	high := false // an upper half stands directly before
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			if high {
				return true
			}
			continue
		}
		i++
		unit := uint64(0)
		if text[i] == 'u' && i+5 <= len(text) {
			unit, _ = strconv.ParseUint(string(text[i+1:i+5]), 16, 16)
		}
		isHigh, isLow := unit&^0x3ff == 0xd800, unit&^0x3ff == 0xdc00
		if high != isLow {
			return true
		}
		if high = isHigh; isHigh || isLow {
			i += 4
		}
	}
	return high
}

// decoder walks through a text that is known to be valid JSON, so that it needs no checks of its own.
type decoder struct {
	rest   []byte
	values int // how many may still come
}

// next returns the first byte of the next value or the end of an array or object. In valid JSON, commas and colons tell
// nothing more than white space.
func (d *decoder) next() byte {
	for {
		switch c := d.rest[0]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
			d.rest = d.rest[1:]
		default:
			return c
		}
	}
}

// take returns the next n bytes and moves behind them.
func (d *decoder) take(n int) []byte {
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) value(depth int) (any, error) {
	if d.values == 0 {
		return nil, ErrValues
	}
	d.values--
	c := d.next()
	if depth == 0 && (c == '{' || c == '[') {
		return nil, ErrDepth
	}
	switch c {
	case '{':
		return d.object(depth - 1)
	case '[':
		return d.array(depth - 1)
	case '"':
		return d.text(), nil
	case 't':
		d.take(len("true"))
		return true, nil
	case 'f':
		d.take(len("false"))
		return false, nil
	case 'n':
		d.take(len("null"))
		return nil, nil
	}
	return d.number()
}

func (d *decoder) array(depth int) (any, error) {
	d.take(1)
	list := []any{}
	for d.next() != ']' {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	d.take(1)
	return list, nil
}

func (d *decoder) object(depth int) (any, error) {
	d.take(1)
	object := map[string]any{}
	for d.next() != '}' {
		name := d.text()
		if _, ok := object[name]; ok {
			return nil, DuplicateNameError(name)
		}
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	d.take(1)
	return object, nil
}

// text reads a string. It is a copy, so that a cache that keeps it does not keep the rest of the body, with its
// password.
func (d *decoder) text() string {
	end, escaped := 1, false
	for ; d.rest[end] != '"'; end++ {
		if d.rest[end] == '\\' {
			escaped = true
			end++
		}
	}
	quoted := d.take(end + 1)
	if !escaped {
		return string(quoted[1:end])
	}
	var text string
	_ = json.Unmarshal(quoted, &text) // it is valid
	return text
}

func (d *decoder) number() (any, error) {
	n := 1
	for n < len(d.rest) && isNumeric(d.rest[n]) {
		n++
	}
	text := d.take(n)
	if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return nil, ErrNumber
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	return f, nil
}

func isNumeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}
