package completion

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/openpolt/polt-mcp/tools"
)

// freshFor is how long candidates are used again: for as long as somebody goes
// on typing. That holds for having found none as well, so that a platform that
// fails is not asked at each key.
const freshFor = 10 * time.Second

// A page is the candidates that were read, and whether there may be more.
type page struct {
	candidates []candidate
	more       bool
}

// A source has the candidates for an argument.
type source struct {
	read  func(context.Context) (page, error) // nil where they never change
	turn  chan struct{}                       // held by who uses what follows
	known page
	until time.Time
}

func fixed(values []string) *source {
	s := &source{turn: make(chan struct{}, 1)}
	for _, v := range values {
		s.known.candidates = append(s.known.candidates, candidate{value: v})
	}
	return s
}

// An origin is where candidates come from.
type origin struct {
	tool      string // that lists them
	arguments map[string]any
	list      string // the member of its answer that has them
	value     string // the member of an item that is the value
	title     string // the member that people know it by
	// without has the statuses of items that are none; nil leaves none out.
	without []string
}

// from returns a source that reads as a tool of the set does.
func from(set *tools.Set, o origin) *source {
	s := fixed(nil)
	s.read = func(ctx context.Context) (page, error) {
		answer, err := set.Read(ctx, o.tool, o.arguments)
		if err != nil {
			return page{}, err
		}
		return o.candidates(answer), nil
	}
	return s
}

// candidates finds candidates in an answer. Of what is not as we know it, there
// are none.
func (o origin) candidates(answer []byte) (p page) {
	var members map[string]json.RawMessage
	var items []map[string]any
	if json.Unmarshal(answer, &members) != nil || json.Unmarshal(members[o.list], &items) != nil {
		return p
	}
	p.more = len(items) >= maxValues // the platform was asked for as many
	for _, item := range items {
		title, _ := item[o.title].(string)
		status, _ := item["status"].(string)
		if value, _ := item[o.value].(string); value != "" && !slices.Contains(o.without, status) {
			p.candidates = append(p.candidates, candidate{value, title})
		}
	}
	return p
}

// candidates returns the candidates. Of those who ask at once, one reads.
func (s *source) candidates(ctx context.Context) page {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return page{}
	}
	defer func() { <-s.turn }()
	if s.read == nil || time.Now().Before(s.until) {
		return s.known
	}
	known, err := s.read(ctx)
	if err != nil && ctx.Err() != nil {
		return page{} // who asked has gone on: the next may have more patience
	}
	s.known, s.until = known, time.Now().Add(freshFor)
	return known
}
