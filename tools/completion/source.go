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
	// freshFor is how long candidates are used again: for as long as somebody
	// goes on typing. That holds after a read that has failed as well, so that a
	// platform that fails is not asked at each key.
	freshFor = 10 * time.Second
	// readTimeout is how long a read may take. Who has typed on is not there any
	// more to end it.
	readTimeout = 5 * time.Second
	// maxPage is how many items are asked for, which is the most that the
	// platform gives.
	maxPage = 100
)

// A page is the candidates that were read, and whether there may be more.
type page struct {
	candidates []candidate
	more       bool
}

// A source has the candidates for an argument.
type source struct {
	read func(context.Context) (page, error) // nil where they never change

	mu      sync.Mutex // guards what follows
	known   page       // of the last read that did not fail
	until   time.Time  // when to read again
	reading *reading   // that is under way, or nil
}

// A reading is one read, for all who wait for it.
type reading struct {
	done chan struct{} // closed when it has ended, and what follows is there
	page page          // what is known after it
	// panicked is what it panicked with, or nil. It is for those who wait to
	// panic with, as that is caught where requests are answered, and nowhere else.
	panicked any
}

func fixed(values []string) *source {
	s := &source{}
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

// from returns a source that reads as a tool of the set does, and without a
// key: what one caller has read is for all.
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

// candidates finds candidates in an answer. Of what is not as we know it, there
// are none.
func (o origin) candidates(answer []byte) (p page) {
	var members map[string]json.RawMessage
	var items []map[string]any
	if json.Unmarshal(answer, &members) != nil || json.Unmarshal(members[o.list], &items) != nil {
		return p
	}
	p.more = len(items) >= maxPage // the platform was asked for as many
	for _, item := range items {
		title, _ := item[o.title].(string)
		status, _ := item["status"].(string)
		if value, _ := item[o.value].(string); value != "" && !slices.Contains(o.without, status) {
			p.candidates = append(p.candidates, candidate{value, title})
		}
	}
	return p
}

// candidates returns the candidates. Of those who ask at once, the first has
// them read. Whoever stops waiting gets none, and does not stop the read: a host
// cancels its request at each key, and the next one asks for the same.
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

// current returns the read that is to be waited for, which has ended where what
// is known is fresh.
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

// refresh reads. Where that fails, what is known stays.
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
