package resources

import (
	"context"

	"github.com/openpolt/polt-mcp/polt"
)

// A State is the watchable state of a resource.
type State struct {
	// ID is equal for states whose Read returns the same.
	ID any
	// Read returns the resource as seen by the agent that requested the State,
	// regardless of the context's.
	Read func(context.Context) ([]byte, error)
}

// stateID identifies a URI as seen by a caller.
type stateID struct {
	uri string
	key polt.Key // zero if it is the same for all callers
}

// String is for a log.
func (id stateID) String() string { return id.uri }

// State returns the watchable state of a resource, as the caller of ctx sees
// it. An unknown URI is an error, a [*tools.Error]; whether the task, project
// or agent exists is reported by Read only.
func (r *Resources) State(ctx context.Context, uri string) (State, error) {
	row, value, err := r.find(uri)
	if err == nil {
		err = r.set.Leak(ctx, row.name, value) // shared reads have no key, so Read cannot check this
	}
	if err != nil {
		return State{}, r.set.Hide(ctx, about(uri, err))
	}
	set := r.set
	id := stateID{uri: row.uri + "=" + value}
	if row.own {
		id.key = set.Key(ctx)
		set = set.As(id.key)
	}
	return State{ID: id, Read: func(ctx context.Context) ([]byte, error) {
		text, err := row.read(ctx, set, value)
		return text, about(uri, err)
	}}, nil
}
