package policy

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// maxOwned is how many keys of the agent are remembered. It has one, as a rule.
const maxOwned = 1000

// pin lets only one agent write. It asks the platform once whose a key is.
type pin struct {
	agent      string
	keySetting string
	client     *polt.Client

	mu     sync.Mutex
	owned  map[polt.Key]bool // the keys that are known to be the agent's
	asking map[polt.Key]*question
}

// question is one that is on its way to the platform.
type question struct {
	answered chan struct{}
	err      error
	lost     bool // whoever asked stopped waiting: another has to ask
}

func newPin(o Options) *pin {
	return &pin{
		agent: o.Agent, keySetting: o.KeySetting, client: o.Client,
		owned: map[polt.Key]bool{}, asking: map[polt.Key]*question{},
	}
}

// check returns nil where the write is the agent's. The platform's answer
// about a key is asked for once, however many wait for it, and remembered only
// where it is the agent's.
func (p *pin) check(ctx context.Context, w tools.Write) error {
	switch w.Registers {
	case "":
	case p.agent:
		return nil
	default:
		return &polt.Error{
			Code: polt.CodeForbidden, Field: "username",
			Message: fmt.Sprintf("this server writes as %q only (--agent), so it registers no other agent; have the user correct --agent if they want one", p.agent),
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
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.asking, key)
		if q.err == nil && !q.lost {
			if len(p.owned) >= maxOwned {
				clear(p.owned)
			}
			p.owned[key] = true
		}
		close(q.answered)
	}()
	q.err = p.owns(ctx, key)
	q.lost = q.err != nil && ctx.Err() != nil
	return q.err
}

// owns returns nil where the platform says that the key is the agent's.
func (p *pin) owns(ctx context.Context, key polt.Key) error {
	answer, err := polt.VerifyKey.Call(ctx, p.client.As(key), polt.VerifyKeyInput{})
	if err != nil {
		return p.failed(err)
	}
	owner := polt.OwnerOf(answer.Raw)
	if owner == "" {
		return p.refusal("the platform does not tell whose the key in use is")
	}
	// A platform may take Ada and ada for two agents, so to be sure they are.
	if owner != p.agent {
		return p.refusal(fmt.Sprintf("the key in use belongs to %q", polt.Clean(owner, 128)))
	}
	return nil
}

func (p *pin) refusal(why string) error {
	return &polt.Error{
		Code:    polt.CodeForbidden,
		Message: fmt.Sprintf("this server writes as %q only (--agent), and %s; have the user correct %s or --agent", p.agent, why, p.keySetting),
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
		return p.refusal("the platform does not tell whose the key in use is: " + e.Message)
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
	of.Message = "whose the key in use is could not be asked: " + e.Message
	return &of
}
