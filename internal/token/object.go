package token

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/strictjson"
)

// jsonLimits bound what is decoded of a token or a key set, whose length is bounded already.
var jsonLimits = strictjson.Limits{Depth: 16, Values: 4096}

// object is a JSON object. Its methods keep the first error, so that a caller reads all members and then checks err
// once.
type object struct {
	members map[string]any
	err     error
}

// readObject reads exactly one JSON object. RFC 7519, section 4, allows to refuse duplicate names: two readers that
// understand a duplicate differently let checks be bypassed.
func readObject(data []byte) (object, error) {
	value, err := strictjson.Decode(data, jsonLimits)
	if err != nil {
		return object{}, err
	}
	return asObject(value)
}

func asObject(value any) (object, error) {
	members, ok := value.(map[string]any)
	if !ok {
		return object{}, errors.New("it is not a JSON object")
	}
	return object{members: members}, nil
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
	text, ok := o.members[name].(string)
	if !ok {
		o.fail(name, "is not a string")
	}
	return text
}

// list returns a member that must be an array of strings.
func (o *object) list(name string) []string {
	values, ok := o.members[name].([]any)
	if !ok {
		o.fail(name, "is not an array")
	}
	list := make([]string, 0, len(values))
	for _, value := range values {
		text, ok := value.(string)
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
// fraction, between the years 1970 and 9999. Quoted numbers are refused.
func (o *object) date(name string) time.Time {
	seconds, ok := o.members[name].(float64)
	if n, isInt := o.members[name].(int64); isInt {
		seconds, ok = float64(n), true
	}
	if !ok || seconds < 0 || seconds > maxDate {
		o.fail(name, "is not a number of seconds in range")
		return time.Time{}
	}
	whole := int64(seconds)
	return time.Unix(whole, int64((seconds-float64(whole))*1e9)).UTC()
}

// maxDate is the end of the year 9999, the last second that RFC 3339 can write.
const maxDate = 253402300799

func inRange(t time.Time) bool { return t.Unix() >= 0 && t.Unix() <= maxDate }
