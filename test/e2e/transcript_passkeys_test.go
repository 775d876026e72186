package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/gatehouse/gatehouse/internal/passkey/passkeytest"
	"github.com/gatehouse/gatehouse/internal/servertest"
)

// passkeyAnswer stands in a request for the answer of a passkey to options: which, whose name, and the options'.
var passkeyAnswer = regexp.MustCompile(`<(created|used|foreign|copied) ([a-z]+) ([a-z]+)>`)

// passkeys puts what browsers make of options into a request.
func (p *player) passkeys(text string) (string, error) {
	var failed error
	return passkeyAnswer.ReplaceAllStringFunc(text, func(match string) string {
		parts := passkeyAnswer.FindStringSubmatch(match)
		answer, err := p.passkeyAnswer(parts[1], parts[2], p.names[parts[3]])
		if err != nil {
			failed = fmt.Errorf("%s: %w", match, err)
			return match
		}
		text, err := json.Marshal(answer)
		servertest.Check(p.t, err)
		return string(text)
	}), failed
}

func (p *player) passkeyAnswer(which, name, text string) (any, error) {
	var options any
	if err := json.Unmarshal([]byte(text), &options); err != nil {
		return nil, fmt.Errorf("the options: %w", err)
	}
	if which == "created" {
		key, made := passkeytest.Create(p.t, "http://localhost:5173", options)
		p.keys[name] = key
		return made, nil
	}
	key := p.keys[name]
	if key == nil {
		return nil, fmt.Errorf("there is no passkey %s yet", name)
	}
	other := *key
	switch which {
	case "foreign":
		other.Origin = "http://localhost:5174"
		return other.Use(options), nil
	case "copied":
		other.Count--
		return other.Use(options), nil
	}
	return key.Use(options), nil
}
