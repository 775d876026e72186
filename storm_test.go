package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse/gatehouse/internal/dbtest"
)

// TestAStormOfCancellationsMixesNoAnswers is R-022, CVE-2025-47907: users ask at once and turn away at random moments.
// Whatever answer arrives, over the next question too, speaks of nobody but who asked.
func TestAStormOfCancellationsMixesNoAnswers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, databaseURL string) {
		s := start(t, "GATEHOUSE_DATABASE_URL="+databaseURL)
		t.Cleanup(http.DefaultClient.CloseIdleConnections) // the server waits for those that were dialled and never used
		w := &stage{t: t, url: s.URL}
		people := make([]*stranger, 16)
		for i := range people {
			people[i] = newStranger(w)
		}
		var answered, cancelled atomic.Int64
		lasts := map[bool]time.Duration{true: 700 * time.Millisecond, false: 1500 * time.Millisecond}[testing.Short()]
		began := time.Now()
		goesOn := func() bool { // a slow machine has longer
			return time.Since(began) < lasts || time.Since(began) < 8*lasts && min(answered.Load(), cancelled.Load()) < 100
		}
		var all sync.WaitGroup
		for _, p := range people {
			all.Go(func() {
				var usual [3]time.Duration // how long an answer takes: the moments lie within it and behind it
				for n := 0; goesOn(); n++ {
					patience, asked := time.Minute, time.Now()
					if n >= 3 {
						patience = rand.N(usual[n%3] * 3 / 2)
					}
					text := p.ask(s.URL, p.questions()[n%3], patience)
					switch {
					case text == "":
						cancelled.Add(1)
						usual[n%3] = min(usual[n%3]*21/20, 2*time.Second)
					case !p.own(text):
						t.Errorf("%s was answered %s", p.id, text)
						usual[n%3] = max(usual[n%3], time.Millisecond)
					default:
						answered.Add(1)
						usual[n%3] = time.Since(asked)
					}
				}
			})
		}
		all.Wait()
		for _, p := range people {
			if text := p.ask(s.URL, p.questions()[0], time.Minute); !p.own(text) || !strings.Contains(text, `"name":"`+p.id) {
				t.Errorf("after the storm: %s was answered %s", p.id, text)
			}
		}
		t.Logf("%d answered, %d cancelled", answered.Load(), cancelled.Load())
		if answered.Load() < 100 || cancelled.Load() < 100 {
			t.Error("too few to tell")
		}
	})
}

// stranger knows what may be said to them: their own id, and addresses and names that hold it.
type stranger struct{ id, email, token string }

func newStranger(w *stage) *stranger {
	w.t.Helper()
	email := fmt.Sprintf("s%d@example.com", registrations.Add(1))
	made := w.must("", `mutation { register(input: {email: "`+email+`", password: "correct horse battery"}) { accessToken user { id } } }`)
	p := &stranger{id: between(w.t, made, `"id":"`, `"`), email: email, token: between(w.t, made, `"accessToken":"`, `"`)}
	w.must(p.token, p.questions()[1])
	return p
}

// questions are a read of two tables, a write, and a read of nobody's before a write of one's own.
func (p *stranger) questions() [3]string {
	return [3]string{
		`{ me { id email name sessions { id } } }`,
		`mutation { updateProfile(input: {name: "` + p.id + `"}) { user { id email name } } }`,
		`mutation { login(input: {email: "` + p.email + `", password: "correct horse battery"}) { user { id email name } } }`,
	}
}

// own reports whether an answer is whole, and of this user.
func (p *stranger) own(text string) bool {
	return strings.Contains(text, `{"id":"`+p.id+`","email":"`+p.email+`","name":"`+p.id+`"`) && !strings.Contains(text, `"errors"`)
}

// ask returns nothing when it turned away before the answer was there.
func (p *stranger) ask(url, query string, patience time.Duration) string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	body, _ := json.Marshal(map[string]string{"query": query})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+p.token)
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		defer response.Body.Close()
		body, err = io.ReadAll(response.Body)
	}
	switch {
	case ctx.Err() != nil:
		return ""
	case err != nil:
		return err.Error()
	}
	return string(body)
}
