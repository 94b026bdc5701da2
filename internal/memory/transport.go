package memory

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

type accountKey struct{}

// With returns a context whose requests to the platform reserve their memory on
// an account.
func With(ctx context.Context, a *Account) context.Context {
	return context.WithValue(ctx, accountKey{}, a)
}

// From returns the account of a context, or nil.
func From(ctx context.Context) *Account {
	a, _ := ctx.Value(accountKey{}).(*Account)
	return a
}

const (
	// PerCall is what a call reserves at its start, in bytes. It includes a platform
	// response of up to usual bytes.
	PerCall = 2 * usual
	usual   = 64 << 10
	// copies is the peak number of copies of a response in memory while it is served,
	// as measured by the test of a large answer.
	copies = 3
	// step is the growth factor of the room for a response of unknown length, up to
	// longest, the most that the client reads.
	step    = 4
	longest = 8 << 20
)

// Transport returns a transport that reserves memory for large response bodies on
// the account of the request's context.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if a := From(r.Context()); err == nil && a != nil && (resp.ContentLength < 0 || resp.ContentLength > usual) {
		b := &body{ReadCloser: resp.Body, ctx: r.Context(), account: a, length: resp.ContentLength, room: usual, limit: maxWait}
		if r.Method != http.MethodGet {
			b.limit = 0 // the outcome of a write must not be lost
		}
		resp.Body = b
	}
	return resp, err
}

// CloseIdleConnections forwards to the wrapped transport.
func (t transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// body is a response body that reserves memory as it turns out to be large.
type body struct {
	io.ReadCloser
	ctx     context.Context
	account *Account
	length  int64         // negative if unknown
	limit   time.Duration // how long to wait for room; 0 for no limit
	read    int64
	room    int64 // bytes that may be read so far
	charged int64 // bytes reserved for them
}

func (b *body) Read(p []byte) (int, error) {
	if b.read >= b.room && b.room < longest {
		if err := b.makeRoom(); err != nil {
			return 0, err
		}
	}
	if b.room < longest {
		p = p[:min(int64(len(p)), b.room-b.read)]
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if errors.Is(err, io.EOF) && b.charged > b.read*copies {
		b.account.refund(b.charged - b.read*copies)
		b.charged = b.read * copies
	}
	return n, err
}

func (b *body) makeRoom() error {
	room := min(step*b.room, longest)
	if b.length >= 0 {
		room = longest
	}
	charge := room * copies
	if b.length >= 0 {
		charge = min(b.length, longest) * copies
	}
	// At most the whole pool.
	charge = min(charge, b.account.budget.pools[answers].room(b.account.caller.Known)) - b.charged
	if err := b.account.await(b.ctx, answers, charge, b.limit); err != nil {
		return err
	}
	b.room, b.charged = room, b.charged+charge
	return nil
}
