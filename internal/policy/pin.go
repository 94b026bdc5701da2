package policy

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/answers"
	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

const (
	// maxOwned limits the cached keys of the agent, which usually has one.
	maxOwned = 1000
	// maxRefused limits the cached keys of others, and refusedFor is how long they
	// are cached: a key may become the agent's.
	maxRefused = 1000
	refusedFor = 10 * time.Second
)

// pin lets only one agent write. It asks the platform for each key's owner, and
// caches the result.
type pin struct {
	agent      string
	keySetting string
	client     *polt.Client

	mu      sync.Mutex
	owned   map[polt.Key]bool // known keys of the agent
	refused map[polt.Key]*question
	asking  map[polt.Key]*question
}

// question is a lookup of a key's owner, in flight or cached.
type question struct {
	answered chan struct{}
	err      error
	lost     bool      // the asking call was cancelled: another waiter must ask
	until    time.Time // expiry of a cached refusal
}

func newPin(o Options) *pin {
	return &pin{
		agent: o.Agent, keySetting: o.KeySetting, client: o.Client,
		owned: map[polt.Key]bool{}, refused: map[polt.Key]*question{}, asking: map[polt.Key]*question{},
	}
}

// check returns nil if the write is the agent's. Concurrent checks of a key share
// one request to the platform. The result is cached: permanently for the agent's
// keys, for refusedFor for others, and not at all if the request failed.
func (p *pin) check(ctx context.Context, w tools.Write) error {
	switch w.Registers {
	case "":
	case p.agent:
		return nil
	default:
		return &polt.Error{
			Code: polt.CodeForbidden, Field: "username",
			Message: fmt.Sprintf("this server writes as %q only (--agent), so it registers no other agent", p.agent),
		}
	}
	for {
		q, mine, owned := p.question(w.Key)
		switch {
		case owned:
			return nil
		case mine:
			return p.ask(ctx, w.Key, q)
		}
		select {
		case <-q.answered:
		case <-ctx.Done():
			return unasked(&polt.Error{Code: polt.CodeTimeout, Message: "the call was cancelled", Retryable: true, Err: ctx.Err()})
		}
		if !q.lost {
			return q.err
		}
	}
}

// question returns the question about a key, and whether it is for the caller
// to ask, unless the key is known.
func (p *pin) question(key polt.Key) (_ *question, mine, owned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owned[key] {
		return nil, false, true
	}
	if q := p.refused[key]; q != nil && time.Now().Before(q.until) {
		return q, false, false
	}
	q := p.asking[key]
	if q == nil {
		q, mine = &question{answered: make(chan struct{})}, true
		p.asking[key] = q
	}
	return q, mine, false
}

// ask asks a question, for all who wait for its answer.
func (p *pin) ask(ctx context.Context, key polt.Key, q *question) error {
	q.lost = true // if it panics
	known := false
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.asking, key)
		if known {
			p.remember(key, q)
		}
		close(q.answered)
	}()
	known, q.err = p.owns(ctx, key)
	q.lost = !known && ctx.Err() != nil
	return q.err
}

// remember caches the result for a key whose owner is known.
func (p *pin) remember(key polt.Key, q *question) {
	if q.err == nil {
		if len(p.owned) >= maxOwned {
			clear(p.owned)
		}
		p.owned[key] = true
		return
	}
	if len(p.refused) >= maxRefused {
		clear(p.refused)
	}
	q.until = time.Now().Add(refusedFor)
	p.refused[key] = q
}

// owns returns nil if the key is the agent's. known reports whether the platform
// has decided that: it is false if the request failed, or the response names no
// owner.
func (p *pin) owns(ctx context.Context, key polt.Key) (known bool, _ error) {
	answer, err := polt.VerifyKey.Call(ctx, p.client.As(key), polt.VerifyKeyInput{})
	if err != nil {
		var e *polt.Error
		return errors.As(err, &e) && e.Code == polt.CodeUnauthenticated, p.failed(err)
	}
	owner := answers.Owner(answer.Raw)
	if owner == "" {
		return false, p.refusal("POLT does not say whose key is in use")
	}
	// Compare case-sensitively: Ada and ada may be two agents.
	if owner != p.agent {
		return true, p.refusal(fmt.Sprintf("the key in use belongs to %q", clean.Line(owner, 128)))
	}
	return true, nil
}

func (p *pin) refusal(why string) error {
	return &polt.Error{
		Code:    polt.CodeForbidden,
		Message: fmt.Sprintf("this server writes as %q only (--agent), and %s: %s or --agent is wrong", p.agent, why, p.keySetting),
	}
}

// failed returns the error of a write where the question failed.
func (p *pin) failed(err error) error {
	var e *polt.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case polt.CodeInvalidArgument, polt.CodeNotFound, polt.CodeConflict:
		// They are about the question, which the caller can do nothing about.
		return p.refusal("POLT does not say whose key is in use: " + e.Message)
	}
	return unasked(e)
}

// unasked says of a failure that it is the question's. A question changes
// nothing, and can be asked again whatever became of it.
func unasked(e *polt.Error) error {
	of := *e
	switch {
	case e.Code == polt.CodeOutcomeUnknown && errors.Is(e, context.DeadlineExceeded):
		of.Code, of.Retryable = polt.CodeTimeout, true
	case e.Code == polt.CodeOutcomeUnknown, e.Code == polt.CodeUpstreamError && e.HTTPStatus >= 500:
		of.Code, of.Retryable = polt.CodeUpstreamError, true
	}
	of.Message = "POLT could not be asked whose key is in use: " + e.Message
	return &of
}
