// Package memory bounds how many bytes of others a server holds at a time:
// bodies that are being read, the platform's answers, and answers that are not
// written yet.
package memory

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
)

// A Budget is a number of bytes that requests share. Half of it is for what
// requests send and for answers of the usual size; that half is given out at
// once or not at all. The other half is for large answers, which wait for their
// turn. A nil budget has no bounds.
type Budget struct {
	size         int64 // of each half
	small, large *semaphore.Weighted
}

// What the process itself takes, and how much of the rest is given out: the
// garbage collector needs room for what is not collected yet.
const (
	base     = 64 << 20
	least    = 32 << 20
	defaults = 1 << 30
)

// Limit returns how much memory the process may use: what GOMEMLIMIT says, or
// the cgroup, or 1 GiB.
func Limit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	if text, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 {
			return limit
		}
	}
	return defaults
}

// ParseLimit parses a size such as 512MiB; "" is [Limit].
func ParseLimit(text string) (int64, error) {
	if text == "" {
		return Limit(), nil
	}
	number, unit := text, int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, bytes
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size such as 512MiB", text)
	}
	if n *= unit; n < base+least {
		return 0, fmt.Errorf("%s is too little: the least is %d MiB", text, (base+least)>>20)
	}
	return n, nil
}

// Keep has the garbage collector keep the process within a limit, until undo is
// called. A limit of GOMEMLIMIT is left as it is.
func Keep(limit int64) (undo func()) {
	before := debug.SetMemoryLimit(-1)
	if before != math.MaxInt64 {
		return func() {}
	}
	debug.SetMemoryLimit(limit - limit/10)
	return func() { debug.SetMemoryLimit(before) }
}

// NewBudget returns a budget for a process that may use limit bytes.
func NewBudget(limit int64) *Budget {
	size := max(limit-base, least) / 4
	return &Budget{size: size, small: semaphore.NewWeighted(size), large: semaphore.NewWeighted(size)}
}

// An Account is what one request holds of a budget. Its methods may be called
// by any number of goroutines; a nil account holds nothing and refuses nothing.
type Account struct {
	budget *Budget

	mu           sync.Mutex
	small, large int64
	closed       bool
}

// Open opens an account. It must be closed.
func (b *Budget) Open() *Account {
	if b == nil {
		return nil
	}
	return &Account{budget: b}
}

// Take takes n more bytes, and reports whether there were as many.
func (a *Account) Take(n int64) bool {
	if a == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || !a.budget.small.TryAcquire(n) {
		return false
	}
	a.small += n
	return true
}

// await takes n bytes for a large answer, as soon as there are as many.
func (a *Account) await(ctx context.Context, n int64) error {
	n = min(n, a.budget.size)
	if err := a.budget.large.Acquire(ctx, n); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed { // the request lives on, as a stream that reads once in a while
		a.budget.large.Release(n)
		return nil
	}
	a.large += n
	return nil
}

// Close gives everything back. It may be called more than once.
func (a *Account) Close() {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.closed = true
		a.budget.small.Release(a.small)
		a.budget.large.Release(a.large)
	}
}

type accountKey struct{}

// With returns a context whose requests to the platform are charged to an
// account.
func With(ctx context.Context, a *Account) context.Context {
	return context.WithValue(ctx, accountKey{}, a)
}

const (
	// PerCall is what a call takes from the beginning. An answer up to usual is
	// within it.
	PerCall = 4 * usual
	usual   = 64 << 10
	// copies is how often an answer is held while it is served: as it came, as it
	// goes on, and quoted as text.
	copies     = 3
	maxUnknown = 8 << 20 // the longest answer that is read, where its length is not told
)

// Transport returns a transport that charges the bodies of answers to the
// accounts of their requests.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if a, _ := r.Context().Value(accountKey{}).(*Account); err == nil && a != nil && (resp.ContentLength < 0 || resp.ContentLength > usual) {
		length := resp.ContentLength
		if length < 0 {
			length = maxUnknown
		}
		resp.Body = &body{ReadCloser: resp.Body, ctx: r.Context(), account: a, charge: length * copies}
	}
	return resp, err
}

// CloseIdleConnections lets a client close what the transport below keeps open.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body is an answer that is charged for once it turns out to be large.
type body struct {
	io.ReadCloser
	ctx     context.Context
	account *Account
	charge  int64 // 0 when it has been paid
	read    int
}

func (b *body) Read(p []byte) (int, error) {
	if b.read >= usual && b.charge > 0 {
		if err := b.account.await(b.ctx, b.charge); err != nil {
			return 0, err
		}
		b.charge = 0
	}
	if b.charge > 0 {
		p = p[:min(len(p), usual-b.read)]
	}
	n, err := b.ReadCloser.Read(p)
	b.read += n
	return n, err
}
