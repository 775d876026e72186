package graphqlhttp

import (
	"mime"
	"strconv"
	"strings"
)

const (
	typeJSON    = "application/json"
	typeGraphQL = "application/graphql-response+json"
)

// negotiate chooses the media type of an answer (RFC 9110, section 12.5.1), or "" when neither is acceptable. A
// client without a preference, or with one for a wildcard alone, gets application/json, which older clients expect.
func negotiate(accept []string) string {
	if len(accept) == 1 && (accept[0] == typeJSON || accept[0] == "*/*") {
		return typeJSON // what most clients ask for
	}
	plain, graphql := preference{}, preference{}
	stated := false
	for _, line := range accept {
		for _, part := range splitList(line) {
			if strings.TrimSpace(part) == "" {
				continue
			}
			stated = true
			mediaType, quality := parseRange(part)
			plain.consider(mediaType, typeJSON, quality)
			graphql.consider(mediaType, typeGraphQL, quality)
		}
	}
	switch {
	case !stated:
		return typeJSON
	case plain.quality <= 0 && graphql.quality <= 0:
		return ""
	case graphql.quality > plain.quality:
		return typeGraphQL
	case graphql.quality == plain.quality && graphql.exact == 2:
		return typeGraphQL
	}
	return typeJSON
}

// splitList splits a header at its commas, but for those in quoted strings (RFC 9110, section 5.6).
func splitList(line string) (parts []string) {
	quoted, escaped, start := false, false, 0
	for i, c := range []byte(line) {
		switch {
		case escaped:
			escaped = false
		case quoted && c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts, start = append(parts, line[start:i]), i+1
		}
	}
	return append(parts, line[start:])
}

// parseMediaType is mime.ParseMediaType without its check of a type that has no parameters, which the caller compares
// with those that it knows, and without the map.
func parseMediaType(text string) (mediaType string, parameters map[string]string, err error) {
	if !strings.Contains(text, ";") {
		return strings.ToLower(strings.TrimSpace(text)), nil, nil
	}
	return mime.ParseMediaType(text)
}

// parseRange reads one range of an Accept header. The media type is "" when the range is malformed.
func parseRange(text string) (mediaType string, quality float64) {
	mediaType, parameters, err := parseMediaType(text)
	if err != nil {
		return "", 0
	}
	q, ok := parameters["q"]
	if !ok {
		return mediaType, 1
	}
	quality, err = strconv.ParseFloat(q, 64)
	if err != nil || !(quality >= 0 && quality <= 1) {
		return "", 0
	}
	return mediaType, quality
}

// preference is the quality that a client gives one media type; the most specific range decides.
type preference struct {
	quality float64
	exact   int // 2 by its name, 1 by application/*, 0 by */*
	stated  bool
}

func (p *preference) consider(mediaRange, mediaType string, quality float64) {
	exact := 0
	switch mediaRange {
	case mediaType:
		exact = 2
	case "application/*":
		exact = 1
	case "*/*":
	default:
		return
	}
	if !p.stated || exact > p.exact {
		*p = preference{quality: quality, exact: exact, stated: true}
	}
}
