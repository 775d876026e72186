package graph

import (
	"errors"
	"reflect"
	"testing"
)

func TestNumbersBecomeIntOrFloat(t *testing.T) {
	for text, want := range map[string]any{
		"1":                     int64(1),
		"-0":                    int64(0),
		"1.0":                   int64(1),
		"2e3":                   int64(2000),
		"1.5":                   1.5,
		"9007199254740993":      int64(9007199254740993), // 2^53+1, which no float64 is
		"9223372036854775807":   int64(9223372036854775807),
		"9223372036854775808":   9223372036854775808.0,
		"1e30":                  1e30,
		`{"a":[1,{"b":2.5}]}`:   map[string]any{"a": []any{int64(1), map[string]any{"b": 2.5}}},
		` [ "x" , null, true ]`: []any{"x", nil, true},
	} {
		if got, err := decodeJSON([]byte(text), 9, 9); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v %v, want %#v", text, got, err, want)
		}
	}
}

// Whatever encoding/json refuses is refused, and what is accepted twice in a row is the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1]}`, `[1,2]`, `{"a":1,"a":2}`, "[[[[[", "1e999", "\xff", `"\ud800"`, "{}{}", "[1,]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := decodeJSON(text, 3, 5)
		if err != nil && value != nil {
			t.Errorf("%q: both a value and %v", text, err)
		}
		if deep, errDeep := decodeJSON(text, 30, 50); err == nil && (errDeep != nil || !reflect.DeepEqual(value, deep)) {
			t.Errorf("%q: %v, and deeper %v %v", text, value, deep, errDeep)
		}
		if errors.Is(err, errNumber) && len(text) < 4 {
			t.Errorf("%q: %v", text, err)
		}
	})
}
