package watch_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/openpolt/polt-mcp/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// interval is that of the hubs here, in time that is virtual.
const interval = 15 * time.Second

func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // the time is virtual

// inBubble runs a test where time is virtual, and which fails if a goroutine is
// left.
func inBubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// source is a target to watch.
type source struct {
	id any

	mu    sync.Mutex
	read  func(context.Context) ([]byte, error)
	reads []time.Time
	came  chan struct{} // closed at the next read
}

func newSource(id any, state string) *source {
	s := &source{id: id, came: make(chan struct{})}
	s.set(state)
	return s
}

// is says what the target is from now on.
func (s *source) is(read func(context.Context) ([]byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = read
}

func (s *source) set(state string) {
	s.is(func(context.Context) ([]byte, error) { return []byte(state), nil })
}

func (s *source) fail(err error) {
	s.is(func(context.Context) ([]byte, error) { return nil, err })
}

func (s *source) target() watch.Target {
	return watch.Target{ID: s.id, Read: func(ctx context.Context) ([]byte, error) {
		s.mu.Lock()
		s.reads = append(s.reads, time.Now())
		close(s.came)
		s.came = make(chan struct{})
		read := s.read
		s.mu.Unlock()
		return read(ctx)
	}}
}

// readAt returns when the target was read.
func (s *source) readAt() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads
}

func (s *source) wantReads(t *testing.T, want int) {
	t.Helper()
	synctest.Wait()
	if got := len(s.readAt()); got != want {
		t.Errorf("%d reads, want %d", got, want)
	}
}

// pauses waits for n reads and returns how long the pauses before them were.
func (s *source) pauses(n int) []time.Duration {
	synctest.Wait()
	from := len(s.readAt())
	for range n {
		s.mu.Lock()
		came := s.came
		s.mu.Unlock()
		<-came
		synctest.Wait()
	}
	reads := s.readAt()
	var pauses []time.Duration
	for i := from; i < len(reads); i++ {
		pauses = append(pauses, reads[i].Sub(reads[i-1]))
	}
	return pauses
}

// wantPauses asserts how many intervals the pauses are, give or take a tenth.
func wantPauses(t *testing.T, got []time.Duration, want ...float64) {
	t.Helper()
	for i, pause := range got {
		if n := pause.Seconds() / interval.Seconds(); n < 0.9*want[i] || n > 1.1*want[i] {
			t.Errorf("pause %d is %.3f intervals, want about %g", i, n, want[i])
		}
	}
}

// told counts what a watcher is told.
type told struct {
	t    *testing.T
	n    atomic.Int64
	stop func()
}

func (w *told) want(want int64) {
	w.t.Helper()
	synctest.Wait()
	if got := w.n.Load(); got != want {
		w.t.Errorf("told of %d changes, want %d", got, want)
	}
}

// follow watches a target until the end of the test.
func follow(t *testing.T, h *watch.Hub, s *source) *told {
	t.Helper()
	w := &told{t: t}
	stop, err := h.Watch(t.Context(), s.target(), func() { w.n.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	w.stop = stop
	t.Cleanup(stop)
	return w
}
