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

	mu       sync.Mutex
	owned    map[polt.Key]bool // known keys of the agent
	refused  map[polt.Key]*keyLookup
	inFlight map[polt.Key]*keyLookup
}

// keyLookup is a lookup of a key's owner, in flight or cached.
type keyLookup struct {
	done    chan struct{}
	err     error
	aborted bool      // its call was cancelled: another waiter must look the key up
	until   time.Time // expiry of a cached refusal
}

func newPin(o Options) *pin {
	return &pin{
		agent: o.Agent, keySetting: o.KeySetting, client: o.Client,
		owned: map[polt.Key]bool{}, refused: map[polt.Key]*keyLookup{}, inFlight: map[polt.Key]*keyLookup{},
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
		l, mine, owned := p.lookup(w.Key)
		switch {
		case owned:
			return nil
		case mine:
			return p.run(ctx, w.Key, l)
		}
		select {
		case <-l.done:
		case <-ctx.Done():
			return lookupFailed(&polt.Error{Code: polt.CodeTimeout, Message: "the call was cancelled", Retryable: true, Err: ctx.Err()})
		}
		if !l.aborted {
			return l.err
		}
	}
}

// lookup returns the lookup of a key, and whether it is for the caller to run,
// unless the key is known.
func (p *pin) lookup(key polt.Key) (_ *keyLookup, mine, owned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owned[key] {
		return nil, false, true
	}
	if l := p.refused[key]; l != nil && time.Now().Before(l.until) {
		return l, false, false
	}
	l := p.inFlight[key]
	if l == nil {
		l, mine = &keyLookup{done: make(chan struct{})}, true
		p.inFlight[key] = l
	}
	return l, mine, false
}

// run runs a lookup, for all who wait for it.
func (p *pin) run(ctx context.Context, key polt.Key, l *keyLookup) error {
	l.aborted = true // if it panics
	known := false
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.inFlight, key)
		if known {
			p.remember(key, l)
		}
		close(l.done)
	}()
	known, l.err = p.owns(ctx, key)
	l.aborted = !known && ctx.Err() != nil
	return l.err
}

// remember caches the result for a key whose owner is known.
func (p *pin) remember(key polt.Key, l *keyLookup) {
	if l.err == nil {
		if len(p.owned) >= maxOwned {
			clear(p.owned)
		}
		p.owned[key] = true
		return
	}
	if len(p.refused) >= maxRefused {
		clear(p.refused)
	}
	l.until = time.Now().Add(refusedFor)
	p.refused[key] = l
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

// failed returns the error of a write where the lookup failed.
func (p *pin) failed(err error) error {
	var e *polt.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case polt.CodeInvalidArgument, polt.CodeNotFound, polt.CodeConflict:
		// They are about the lookup, which the caller can do nothing about.
		return p.refusal("POLT does not say whose key is in use: " + e.Message)
	}
	return lookupFailed(e)
}

// lookupFailed returns the error of a write from that of its lookup, which changes
// nothing and can be repeated, whatever became of it.
func lookupFailed(e *polt.Error) error {
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
