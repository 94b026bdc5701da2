package resources

import (
	"context"

	"github.com/openpolt/polt-mcp/polt"
)

// A State is what of a resource can be watched.
type State struct {
	// ID is equal for all whose Read gives the same.
	ID any
	// Read returns the resource as it is, for the agent who asked for the
	// State, whatever the context's.
	Read func(context.Context) ([]byte, error)
}

// stateID names what a URI is to a caller.
type stateID struct {
	uri string
	key polt.Key // none where it is the same thing for all
}

// String is for a log.
func (id stateID) String() string { return id.uri }

// State returns what of a resource can be watched, as the caller of ctx sees
// it. That there is no such resource is an error, a [*tools.Error]; that the
// thing is not there only Read tells.
func (r *Resources) State(ctx context.Context, uri string) (State, error) {
	row, value, err := r.find(uri)
	if err == nil {
		err = r.set.Leak(ctx, row.name, value) // what is read for all is read without a key to compare with
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
