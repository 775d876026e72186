package strictjson_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/gatehouse/gatehouse/internal/strictjson"
)

var wide = strictjson.Limits{Depth: 30, Values: 1000}

func TestDecode_ValuesBecomeGoValues(t *testing.T) {
	for text, want := range map[string]any{
		"1":                          int64(1),
		"-0":                         int64(0),
		"1.0":                        int64(1),
		"2e3":                        int64(2000),
		"1.5":                        1.5,
		"9007199254740993":           int64(9007199254740993), // 2^53+1, which no float64 is
		"9223372036854775807":        int64(9223372036854775807),
		"9223372036854775808":        9223372036854775808.0,
		"1e30":                       1e30,
		`{"a":[1,{"b":2.5}]}`:        map[string]any{"a": []any{int64(1), map[string]any{"b": 2.5}}},
		" [ \"x\" ,\n null,\ttrue ]": []any{"x", nil, true},
		`{"":false,"a":{},"A":[]}`:   map[string]any{"": false, "a": map[string]any{}, "A": []any{}},
		`"\"\\\u00e9\ud834\udd1e,:"`: "\"\\é\U0001d11e,:",
		"\"é\U0001d11e\"":            "é\U0001d11e",
	} {
		if got, err := strictjson.Decode([]byte(text), wide); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v %v, want %#v", text, got, err, want)
		}
	}
}

func TestDecode_WhatReadersUnderstandDifferentlyIsRefused(t *testing.T) {
	for _, c := range []struct {
		text    string
		want    error
		control string // the same without what is wrong
	}{
		{"", strictjson.ErrSyntax, "null"},
		{"{}{}", strictjson.ErrSyntax, "{}"},
		{"[1,]", strictjson.ErrSyntax, "[1]"},
		{"{'a':1}", strictjson.ErrSyntax, `{"a":1}`},
		{"\"\xff\"", strictjson.ErrSyntax, `"\uffff"`},
		{"\ufeff{}", strictjson.ErrSyntax, "{}"},
		{"1e999", strictjson.ErrNumber, "1e99"},
		{`{"a":1,"a":2}`, strictjson.DuplicateNameError("a"), `{"a":1,"A":2}`},
		{`{"a":1,"\u0061":2}`, strictjson.DuplicateNameError("a"), `{"a":1,"\u0041":2}`},
		{`[{"b":{"a":1,"a":1}}]`, strictjson.DuplicateNameError("a"), `[{"b":{"a":1},"a":1}]`},
	} {
		if got, err := strictjson.Decode([]byte(c.text), wide); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%q: %v %v, want %v", c.text, got, err, c.want)
		}
		if _, err := strictjson.Decode([]byte(c.control), wide); err != nil {
			t.Errorf("control %q: %v", c.control, err)
		}
	}
}

func TestDecode_DepthAndValuesAreBounded(t *testing.T) {
	limits := strictjson.Limits{Depth: 2, Values: 5}
	for text, want := range map[string]error{
		`[[1]]`: nil, `[[[]]]`: strictjson.ErrDepth, `{"a":{"b":{}}}`: strictjson.ErrDepth,
		`[1,2,3,4]`: nil, `[1,2,3,4,5]`: strictjson.ErrValues, `[{"a":1},[2]]`: nil, `[{"a":1},[2],3]`: strictjson.ErrValues,
		strings.Repeat("[", 1<<20): strictjson.ErrSyntax,
	} {
		if _, err := strictjson.Decode([]byte(text), limits); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", text, err, want)
		}
	}
}

// TestDecodeMembers_ReadsWhatDecodeReads in values of all kinds, and in objects of few and many members of which some
// have the same name.
func TestDecodeMembers_ReadsWhatDecodeReads(t *testing.T) {
	texts := []string{"", "null", "1", `"a"`, "[]", "[{}]", "{}", " { } ", `{"a":{"b":[1]}}`, `{"a":{"b":[[1]]}}`,
		`{"a":"\ud800"}`, "{}{}"}
	for members := range 40 {
		for twice := range members + 1 {
			var all []string
			for i := range members {
				all = append(all, fmt.Sprintf(`"%d":%d`, i-i/max(twice, 1), i))
			}
			texts = append(texts, "{"+strings.Join(all, ",")+"}")
		}
	}
	read := 0
	for _, text := range texts {
		for _, limits := range []strictjson.Limits{wide, {Depth: 2, Values: 30}, {Depth: 1, Values: 1}, {Values: 9}, {}} {
			want, wantErr := strictjson.Decode([]byte(text), limits)
			all, err := strictjson.DecodeMembers([]byte(text), limits)
			got := map[string]any{}
			for _, m := range all {
				got[m.Name] = m.Value
			}
			if object, ok := want.(map[string]any); ok && wantErr == nil {
				read++
				if err != nil || !reflect.DeepEqual(got, object) || len(all) != len(object) {
					t.Errorf("%s: %v %v, want %v", text, all, err, object)
				}
			} else if want := cmp.Or(wantErr, strictjson.ErrNotObject); err != want || all != nil {
				t.Errorf("%s: %v %v, want %v", text, all, err, want)
			}
		}
	}
	if read < 40 {
		t.Errorf("%d objects were read", read)
	}
}

// FuzzDecode holds Decode to encoding/json: it accepts nothing else, and reads the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1]}`, `[1,2]`, `{"a":1,"a":2}`, "[[[[[", "1e999", "\xff", `"\ud800"`, "{}{}", "[1,]",
		`"\\"`, "-1.5e+3", `"\u0000,\""`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		tight, err := strictjson.Decode(text, strictjson.Limits{Depth: 3, Values: 5})
		if err != nil && tight != nil {
			t.Errorf("%q: both a value and %v", text, err)
		}
		value, errWide := strictjson.Decode(text, wide)
		if err == nil && (errWide != nil || !reflect.DeepEqual(tight, value)) {
			t.Errorf("%q: %v, and with wider limits %v %v", text, tight, value, errWide)
		}
		if errWide != nil {
			return
		}
		want, err := decodeStandard(text)
		if err != nil || fmt.Sprint(normal(want)) != fmt.Sprint(normal(value)) {
			t.Errorf("%q: %#v, and encoding/json reads %#v %v", text, value, want, err)
		}
	})
}

func decodeStandard(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// normal makes all numbers float64, as encoding/json does.
func normal(value any) any {
	switch v := value.(type) {
	case int64:
		return float64(v) + 0
	case float64:
		return v + 0 // -0 is 0
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normal(v[name])
		}
	}
	return value
}

func BenchmarkDecode(b *testing.B) {
	small := `{"query":"mutation Login($input: LoginInput!) { login(input: $input) { accessToken expiresIn refreshToken ` +
		`user { id name email roles } } }","operationName":"Login","variables":{"input":{"email":"someone@example.org",` +
		`"password":"correct horse battery staple","remember":true,"page":20}}}`
	large := `{"query":"query($a:[Int!]){a(a:$a)}","variables":{"a":[` +
		strings.Repeat(`{"x":12,"y":"zwölf \"q\""},`, 400) + `1.5]}}`
	for name, text := range map[string]string{"login": small, "400 objects": large} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := strictjson.Decode([]byte(text), strictjson.Limits{Depth: 22, Values: 4000}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
