package completion

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

const (
	// freshFor is how long candidates are cached: about as long as a user keeps
	// typing. It applies after a failed read too, so that a failing platform is
	// not asked again at each keystroke.
	freshFor = 10 * time.Second
	// readTimeout bounds a read, which the end of a request does not cancel.
	readTimeout = 5 * time.Second
	// maxPage is the requested page size, the platform's maximum.
	maxPage = 100
)

// A page is the candidates read, and whether there may be more.
type page struct {
	candidates []candidate
	more       bool
}

// A source provides an argument's candidates.
type source struct {
	read func(context.Context) (page, error) // nil if they never change

	mu      sync.Mutex // guards the fields below
	known   page       // result of the last successful read
	until   time.Time  // when to read again
	reading *reading   // read in progress, or nil
}

// A reading is a read shared by all callers that wait for it.
type reading struct {
	done chan struct{} // closed when the fields below are set
	page page          // result
	// panicked is the value that the read panicked with, or nil. The waiting
	// callers panic with it, where it is recovered.
	panicked any
}

func fixed(values []string) *source {
	s := &source{}
	for _, v := range values {
		s.known.candidates = append(s.known.candidates, candidate{value: v})
	}
	return s
}

// An origin says where candidates come from.
type origin struct {
	tool      string // lists the items
	arguments map[string]any
	list      string // member of the tool's answer with the items
	value     string // member of an item that is the value
	title     string // member of an item that is its title
	// without are the statuses of items to exclude.
	without []string
}

// from returns a source that reads through a tool, without a key: the
// candidates are shared by all callers.
func from(set *tools.Set, o origin) *source {
	set = set.As(polt.Key{})
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

// candidates extracts candidates from an answer; none if its form is unknown.
func (o origin) candidates(answer []byte) (p page) {
	var members map[string]json.RawMessage
	var items []map[string]any
	if json.Unmarshal(answer, &members) != nil || json.Unmarshal(members[o.list], &items) != nil {
		return p
	}
	p.more = len(items) >= maxPage // the requested page size
	for _, item := range items {
		title, _ := item[o.title].(string)
		status, _ := item["status"].(string)
		if value, _ := item[o.value].(string); value != "" && !slices.Contains(o.without, status) {
			p.candidates = append(p.candidates, candidate{value, title})
		}
	}
	return p
}

// candidates returns the candidates, from one read for all concurrent callers.
// A cancelled caller gets none but does not stop the read: hosts cancel a
// request at each keystroke, and the next one needs the same.
func (s *source) candidates(ctx context.Context) page {
	r := s.current(ctx)
	select {
	case <-r.done:
	case <-ctx.Done():
		return page{}
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.page
}

// current returns the read to wait for, which is already done if the cached
// candidates are fresh.
func (s *source) current(ctx context.Context) *reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &reading{done: make(chan struct{}), page: s.known}
	switch {
	case s.read == nil, time.Now().Before(s.until):
		close(r.done)
		return r
	case s.reading == nil:
		s.reading = r
		go s.refresh(context.WithoutCancel(ctx), r)
	}
	return s.reading
}

// refresh reads the candidates. If that fails, the cached ones are kept.
func (s *source) refresh(ctx context.Context, r *reading) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	defer close(r.done)
	defer func() {
		r.panicked = recover()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.known, s.until, s.reading = r.page, time.Now().Add(freshFor), nil
	}()
	if found, err := s.read(ctx); err == nil {
		r.page = found
	}
}
