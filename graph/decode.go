package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

var (
	errSyntax  = errors.New("it is not one JSON value in UTF-8")
	errNesting = errors.New("it nests too deep")
	errValues  = errors.New("it holds too many values")
	errNumber  = errors.New("it holds a number out of range")
)

// duplicateError is the name of a member that an object has twice.
type duplicateError string

func (duplicateError) Error() string { return "an object has a member twice" }

// decodeJSON reads one JSON value and nothing after it. It is stricter than encoding/json: names are not folded, no
// object has a member twice, text is UTF-8, values nest at most so deep, and there are at most so many of them: decoded,
// a value of two bytes takes a hundred. Its errors never quote the text.
//
// A whole number becomes an int64 and any other a float64: gqlgen takes a json.Number for a string, so that a number
// would pass where the schema says String.
func decodeJSON(text []byte, depth, values int) (any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errSyntax
	}
	d := &decoder{json.NewDecoder(bytes.NewReader(text)), values}
	d.UseNumber()
	return d.value(depth)
}

type decoder struct {
	*json.Decoder
	left int // values that may still come
}

func (d *decoder) value(depth int) (any, error) {
	if d.left == 0 {
		return nil, errValues
	}
	d.left--
	token, err := d.Token()
	if err != nil {
		return nil, errSyntax
	}
	switch t := token.(type) {
	case json.Number:
		return decodeNumber(t)
	case json.Delim:
		if depth == 0 {
			return nil, errNesting
		}
		if t == '[' {
			return d.array(depth - 1)
		}
		return d.object(depth - 1)
	}
	return token, nil
}

func (d *decoder) array(depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, err
}

func (d *decoder) object(depth int) (any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errSyntax
		}
		name := token.(string)
		if _, twice := object[name]; twice {
			return nil, duplicateError(name)
		}
		if object[name], err = d.value(depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}

func decodeNumber(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, errNumber
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return int64(f), nil
	}
	return f, nil
}
