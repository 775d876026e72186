package verify

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse/gatehouse/internal/token"
)

const (
	// inactiveTTL is how long an answer is cached that a token cannot be used.
	inactiveTTL = 5 * time.Second
	// maxAnswers bounds each of the two caches: an answer has a few hundred bytes.
	maxAnswers = 10_000
	// maxIntrospecting bounds the requests to the issuer at a time. Others wait: made-up tokens get no more.
	maxIntrospecting = 16
	// maxInflight bounds the tokens that are asked about or wait for that. Each has a goroutine.
	maxInflight = 1_000
	// maxIntrospectionLen bounds the issuer's answer, in bytes.
	maxIntrospectionLen = 64 << 10
	// lossInterval is the least time between two lines that the issuer cannot be asked.
	lossInterval = time.Minute
)

// introspector asks the issuer about personal access tokens (RFC 7662).
type introspector struct {
	url, token string
	issuer     string
	client     *http.Client
	now        func() time.Time
	log        *slog.Logger
	timeout    time.Duration // of a question, with its wait for a slot
	slots      chan struct{}

	mu       sync.Mutex
	active   answers // of tokens that can be used; none of others takes their place
	inactive answers
	inflight map[digest]*question
	failing  bool      // the loss is logged, and no question succeeded since
	lostAt   time.Time // when the loss was last logged; zero is never
}

// digest is the SHA-256 of a token.
type digest [sha256.Size]byte

// answer is what the issuer said of a token.
type answer struct {
	Token
	err   error     // nil: it can be used
	asked time.Time // before the request
}

// question is one that the issuer has not answered yet. All checks of its token wait for it.
type question struct {
	answer
	answered chan struct{} // closed when there is an answer
}

// answers caches answers.
type answers struct {
	max int
	ttl time.Duration
	of  map[digest]answer
}

func (c answers) find(key digest, now time.Time) (answer, bool) {
	a, ok := c.of[key]
	return a, ok && age(now, a.asked) < c.ttl && (a.err != nil || now.Before(a.ExpiresAt))
}

func (c answers) add(key digest, a answer) {
	if len(c.of) >= c.max {
		clear(c.of)
	}
	c.of[key] = a
}

func newIntrospector(c Config) *introspector {
	return &introspector{
		url: c.Introspection, token: c.Revocations.Token, issuer: c.Issuer, client: noRedirects(c.Client), now: c.Clock,
		log: c.Log, timeout: fetchTimeout, slots: make(chan struct{}, maxIntrospecting),
		active:   answers{maxAnswers, token.IntrospectionTTL, map[digest]answer{}},
		inactive: answers{maxAnswers, inactiveTTL, map[digest]answer{}}, inflight: map[digest]*question{},
	}
}

// introspect returns a personal access token that can be used, as far as the issuer said within token.IntrospectionTTL,
// or ErrInvalid or ErrUnavailable. Whether it was revoked since, the feed says.
func (i *introspector) introspect(ctx context.Context, text string) (answer, error) {
	if !token.LooksPersonal(text) {
		return answer{}, fmt.Errorf("%w: not a personal access token", ErrInvalid)
	}
	found, q := i.findOrAsk(text)
	if q == nil {
		return found, found.err
	}
	select {
	case <-q.answered:
		return q.answer, q.err
	case <-ctx.Done():
		return answer{}, unavailable("the request ended before the issuer answered about its personal access token")
	}
}

// findOrAsk returns a cached answer, or the question that is asked about the token.
func (i *introspector) findOrAsk(text string) (answer, *question) {
	key := digest(sha256.Sum256([]byte(text)))
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	for _, cache := range []answers{i.active, i.inactive} {
		if found, ok := cache.find(key, now); ok {
			return found, nil
		}
	}
	if q := i.inflight[key]; q != nil {
		return answer{}, q
	}
	if len(i.inflight) >= maxInflight {
		err := unavailable("too many personal access tokens are checked at the same time")
		i.logLoss(err)
		return answer{err: err}, nil
	}
	q := &question{answer: answer{asked: now}, answered: make(chan struct{})}
	i.inflight[key] = q
	go i.run(key, q, text)
	return answer{}, q
}

// run asks a question. It has its own context, so that a request that is cancelled does not fail the others that wait.
func (i *introspector) run(key digest, q *question, text string) {
	ctx, cancel := context.WithTimeout(context.Background(), i.timeout)
	defer cancel()
	said, err := i.ask(ctx, text)
	i.mu.Lock()
	defer i.mu.Unlock()
	q.Token, q.err = said, err
	q.IssuedAt = q.asked
	switch {
	case err == nil:
		i.active.add(key, q.answer)
	case errors.Is(err, ErrInvalid):
		i.inactive.add(key, q.answer)
	}
	i.logLoss(err)
	delete(i.inflight, key)
	close(q.answered)
}

// logLoss logs that the issuer cannot be asked, or can be again; i.mu is held. When questions fail and succeed by turns
// it does so once a minute.
func (i *introspector) logLoss(err error) {
	now, lost := i.now(), errors.Is(err, ErrUnavailable)
	switch {
	case lost && !i.failing && (i.lostAt.IsZero() || age(now, i.lostAt) >= lossInterval):
		i.failing, i.lostAt = true, now
		i.log.Warn("the issuer cannot be asked about personal access tokens; those without a cached answer are refused",
			"url", i.url, "error", err)
	case !lost && i.failing:
		i.failing = false
		i.log.Info("the issuer can be asked about personal access tokens again", "url", i.url)
	}
}

// ask sends a question when there is a slot. Its errors are ErrInvalid and ErrUnavailable.
func (i *introspector) ask(ctx context.Context, text string) (Token, error) {
	select {
	case i.slots <- struct{}{}:
		defer func() { <-i.slots }()
	case <-ctx.Done():
		return Token{}, unavailable("the issuer is slow, or too many personal access tokens are checked simultaneously")
	}
	said, err := i.request(ctx, text)
	if err != nil {
		return Token{}, unavailable("the issuer cannot be asked about a personal access token: " + err.Error())
	}
	return i.read(said)
}

func (i *introspector) request(ctx context.Context, text string) ([]byte, error) {
	body := strings.NewReader(url.Values{"token": {text}, "token_type_hint": {"access_token"}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+i.token)
	response, err := i.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(response.Body, maxIntrospectionLen))
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, errFeedToken
	}
	return nil, fmt.Errorf("the response was %d, not 200", response.StatusCode)
}

// read reads the issuer's answer. One that lacks something is no token: it must not count for more than the issuer
// said.
func (i *introspector) read(text []byte) (Token, error) {
	var said struct {
		Active    bool      `json:"active"`
		Scope     string    `json:"scope"`
		ExpiresAt float64   `json:"exp"`
		Subject   uuid.UUID `json:"sub"`
		Issuer    string    `json:"iss"`
		ID        uuid.UUID `json:"jti"`
		Roles     []string  `json:"roles"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return Token{}, unavailable("the issuer's answer about a personal access token is not what RFC 7662 says")
	}
	scopes := strings.Fields(said.Scope)
	switch {
	case !said.Active:
		return Token{}, fmt.Errorf("%w: the issuer says that the personal access token cannot be used", ErrInvalid)
	case said.Issuer != i.issuer:
		return Token{}, fmt.Errorf("%w: the issuer of the personal access token is %q", ErrInvalid, said.Issuer)
	case said.Subject == uuid.Nil || said.ID == uuid.Nil || len(scopes) == 0,
		said.ExpiresAt <= 0 || said.ExpiresAt > maxDate:
		return Token{}, fmt.Errorf("%w: the issuer's answer about a personal access token lacks something", ErrInvalid)
	}
	return Token{
		UserID: said.Subject, PersonalID: said.ID, ID: said.ID.String(), ExpiresAt: numericDate(said.ExpiresAt),
		Roles: said.Roles, Scopes: scopes,
	}, nil
}

// verifyPersonal is Verify for a personal access token.
func (v *Verifier) verifyPersonal(ctx context.Context, text string) (*Token, error) {
	found, err := v.introspector.introspect(ctx, text)
	if err != nil {
		return nil, err
	}
	t := found.Token
	t.Roles, err = v.feed.check(token.Claims{
		UserID: t.UserID, SessionID: t.PersonalID, IssuedAt: t.IssuedAt, Roles: t.Roles,
	})
	if err != nil {
		return nil, err
	}
	t.Roles, t.Scopes = slices.Clone(t.Roles), slices.Clone(t.Scopes)
	return &t, nil
}
