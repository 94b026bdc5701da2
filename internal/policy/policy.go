// Package policy decides which writes are sent, and keeps a record of them.
package policy

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// Options say which writes are sent. The zero value lets them all through and
// records none.
type Options struct {
	// Agent is the only agent that may write; empty means that all may.
	Agent string
	// KeySetting names what a user sets the key in, such as "POLT_API_KEY", for
	// the error where the key is another agent's.
	KeySetting string
	// Client asks the platform whose a key is. It must be set where Agent is.
	Client *polt.Client
	// MaxPerMinute is how many writes are let through in any minute for each
	// key; 0 is no limit. Those without a key, and all that register, are
	// counted for each address. A write whose key the platform does not know
	// does not count once that is known.
	MaxPerMinute int
	// MaxCallers is how many callers are counted at a time; 0 means 100,000. Of
	// more, none may write.
	MaxCallers int
	// Address names where a call comes from. Where it is nil, all calls come
	// from one place.
	Address func(context.Context) string
	// Journal is the path of the file that writes are recorded in; empty means
	// that they are not.
	Journal string
	// Log is told where an outcome cannot be recorded.
	Log zerolog.Logger
}

// A Policy decides which writes are sent. Any number of goroutines may use
// one. It must be closed.
type Policy struct {
	pin     *pin   // nil where all agents may write
	limit   *limit // nil for no limit
	address func(context.Context) string
	journal *journal // nil where nothing is recorded
}

// New returns the policy that the options ask for. It fails where the journal
// cannot be opened.
func New(o Options) (*Policy, error) {
	p := &Policy{address: o.Address}
	if p.address == nil {
		p.address = func(context.Context) string { return "" }
	}
	if o.Agent != "" {
		if o.Client == nil {
			return nil, errors.New("policy: Options.Agent is set, and Options.Client is not")
		}
		p.pin = newPin(o)
	}
	switch {
	case o.MaxPerMinute < 0:
		return nil, errors.New("the maximum of writes a minute is negative")
	case o.MaxPerMinute > 0:
		p.limit = newLimit(o.MaxPerMinute, o.MaxCallers)
	}
	if o.Journal != "" {
		var err error
		if p.journal, err = openJournal(o.Journal, o.Log); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// OnWrite lets a write through, or says why not: it is what
// [tools.Options.OnWrite] asks for.
func (p *Policy) OnWrite(ctx context.Context, w tools.Write) (done func(tools.Outcome), _ error) {
	if p.pin != nil {
		if err := p.pin.check(ctx, w); err != nil {
			return nil, err
		}
	}
	giveBack := func() {}
	if p.limit != nil {
		var err error
		if giveBack, err = p.limit.take(p.countedAs(ctx, w)); err != nil {
			return nil, err
		}
	}
	record := func(tools.Outcome) {}
	if p.journal != nil {
		var err error
		if record, err = p.journal.begin(w); err != nil {
			giveBack()
			return nil, err
		}
	}
	return func(o tools.Outcome) {
		// Nothing was written as anyone, and keys can be made up until no more
		// callers can be counted.
		if o.Err != nil && o.Err.Code == polt.CodeUnauthenticated {
			giveBack()
		}
		record(o)
	}, nil
}

// countedAs names whom a write is counted for. Registering is sent without the
// key that comes with it, so that any key would do.
func (p *Policy) countedAs(ctx context.Context, w tools.Write) string {
	if w.Key.IsZero() || w.Registers != "" {
		return "addr:" + p.address(ctx)
	}
	return callerID(w.Key)
}

// Close records of the writes that are still on their way that their outcome
// is not known, and closes the journal.
func (p *Policy) Close() error {
	if p.journal == nil {
		return nil
	}
	return p.journal.close()
}

// callerID names who has a key, in a form that is no secret: as the log of
// calls over HTTP does. It is empty for no key.
func callerID(key polt.Key) string {
	if key.IsZero() {
		return ""
	}
	return "key:" + keyid.Of(key)
}
