package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// object is a JSON object, its values unread. Reading one keeps the first thing that was wrong, so that a reader asks
// for all it needs and then looks at err once.
type object struct {
	members map[string]json.RawMessage
	err     error
}

// readObject reads exactly one JSON object in UTF-8, each name once: RFC 7519, section 4, lets us refuse duplicates,
// and a duplicate that two readers read differently is how checks are passed by. By itself, encoding/json would take
// the last duplicate, any case of a struct's names, and U+FFFD for bytes that are not UTF-8.
func readObject(data []byte) (object, error) {
	if !utf8.Valid(data) || !json.Valid(data) {
		return object{}, errors.New("not JSON in UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return object{}, errors.New("not a JSON object")
	}
	o := object{members: map[string]json.RawMessage{}}
	for decoder.More() {
		token, err := decoder.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return object{}, errors.New("not a JSON object")
		}
		if _, twice := o.members[name]; twice {
			return object{}, errors.New("a name is there twice")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return object{}, errors.New("not a JSON object")
		}
		o.members[name] = value
	}
	return o, nil
}

func (o *object) fail(name, why string) {
	if o.err == nil {
		o.err = errors.New(name + " " + why)
	}
}

// has reports whether the object has the name, with any value.
func (o *object) has(name string) bool {
	_, ok := o.members[name]
	return ok
}

// text returns a member that must be a string.
func (o *object) text(name string) string {
	text, ok := readText(o.members[name])
	if !ok {
		o.fail(name, "is not a string")
	}
	return text
}

// list returns a member that must be an array of strings.
func (o *object) list(name string) []string {
	var raw []json.RawMessage
	if value := o.members[name]; len(value) == 0 || value[0] != '[' || json.Unmarshal(value, &raw) != nil {
		o.fail(name, "is not an array")
	}
	list := make([]string, 0, len(raw))
	for _, value := range raw {
		text, ok := readText(value)
		if !ok {
			o.fail(name, "holds something that is not a string")
		}
		list = append(list, text)
	}
	return list
}

// id returns a member that must be a UUID in its canonical text, and not the nil UUID.
func (o *object) id(name string) uuid.UUID {
	text := o.text(name)
	id, err := uuid.Parse(text)
	if err != nil || id == uuid.Nil || id.String() != text {
		o.fail(name, "is not a UUID in its canonical form")
	}
	return id
}

// date returns a member that must be a NumericDate (RFC 7519, section 2): a JSON number of seconds, perhaps with a
// fraction, between the years 1970 and 9999. Quoted numbers are refused, and so is what does not fit a float64: what
// conversion to an integer makes of that differs between processors.
func (o *object) date(name string) time.Time {
	seconds, err := strconv.ParseFloat(string(o.members[name]), 64)
	if err != nil || seconds < 0 || seconds > maxDate {
		o.fail(name, "is not a number of seconds in range")
		return time.Time{}
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9)).UTC()
}

// maxDate is the end of the year 9999, the last second that RFC 3339 can write.
const maxDate = 253402300799

func inRange(t time.Time) bool { return t.Unix() >= 0 && t.Unix() <= maxDate }

// readText reads a JSON string. The first byte is looked at because null, too, can be unmarshalled into a string.
func readText(value json.RawMessage) (text string, ok bool) {
	ok = len(value) > 0 && value[0] == '"' && json.Unmarshal(value, &text) == nil
	return text, ok
}
