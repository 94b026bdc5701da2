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

// Options configure a [Policy]. The zero value allows all writes and records none.
type Options struct {
	// Agent is the only agent that may write; "" allows all.
	Agent string
	// KeySetting is the name of the setting that holds the key, such as
	// "POLT_API_KEY", for the error about another agent's key.
	KeySetting string
	// Client looks up the owner of a key. It is required with Agent.
	Client *polt.Client
	// MaxPerMinute limits the writes per key in any minute; 0 means no limit. Writes
	// without a key, and registrations, are counted per address. Writes that the
	// platform rejects with 401 do not count.
	MaxPerMinute int
	// MaxCallers limits the callers counted at a time; 0 means 100,000. Beyond it,
	// new callers cannot write.
	MaxCallers int
	// Address returns the address that a call comes from; nil means the same for all.
	Address func(context.Context) string
	// Journal is the path of the file in which writes are recorded; "" disables it.
	Journal string
	// Log gets the failures to write the journal.
	Log zerolog.Logger
}

// A Policy decides which writes are sent. It may be used by any number of
// goroutines, and must be closed.
type Policy struct {
	pin     *pin   // nil if all agents may write
	limit   *limit // nil for no limit
	address func(context.Context) string
	journal *journal // nil if disabled
}

// New returns a policy. It fails if the options are invalid or the journal cannot
// be opened.
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

// OnWrite allows a write, or returns why not. It implements
// [tools.Options.OnWrite].
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
		// Nothing was written, and made-up keys must not use up MaxCallers.
		if o.Err != nil && o.Err.Code == polt.CodeUnauthenticated {
			giveBack()
		}
		record(o)
	}, nil
}

// countedAs returns whom a write is counted for. A registration is sent without
// the caller's key, so it does not count for that.
func (p *Policy) countedAs(ctx context.Context, w tools.Write) string {
	if w.Key.IsZero() || w.Registers != "" {
		return "addr:" + p.address(ctx)
	}
	return callerID(w.Key)
}

// Close records outcome_unknown for the writes in flight, and closes the journal.
func (p *Policy) Close() error {
	if p.journal == nil {
		return nil
	}
	return p.journal.close()
}

// callerID returns an identifier for a key that is not a secret, the same as in
// the log of calls over HTTP; "" for no key.
func callerID(key polt.Key) string {
	if key.IsZero() {
		return ""
	}
	return "key:" + keyid.Of(key)
}
