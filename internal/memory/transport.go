package memory

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

type accountKey struct{}

// With returns a context whose requests to the platform are charged to an
// account.
func With(ctx context.Context, a *Account) context.Context {
	return context.WithValue(ctx, accountKey{}, a)
}

// From returns the account of a context, or nil.
func From(ctx context.Context) *Account {
	a, _ := ctx.Value(accountKey{}).(*Account)
	return a
}

const (
	// PerCall is what a call takes from the beginning. An answer up to usual is
	// within it.
	PerCall = 2 * usual
	usual   = 64 << 10
	// copies is how often an answer is held while it is served: see the test of
	// what a large answer costs.
	copies = 3
	// step is by how much more room is made for an answer whose length is not
	// told, up to longest, as no more is read.
	step    = 4
	longest = 8 << 20
)

// Transport returns a transport that charges the bodies of answers to the
// accounts of their requests.
func Transport(next http.RoundTripper) http.RoundTripper { return transport{next} }

type transport struct{ next http.RoundTripper }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if a := From(r.Context()); err == nil && a != nil && (resp.ContentLength < 0 || resp.ContentLength > usual) {
		b := &body{ReadCloser: resp.Body, ctx: r.Context(), account: a, length: resp.ContentLength, room: usual, limit: maxWait}
		if r.Method != http.MethodGet {
			b.limit = 0 // what was written must be told
		}
		resp.Body = b
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
	length  int64         // under 0 where it is not told
	limit   time.Duration // for how long it waits for room
	read    int64
	room    int64 // bytes that there is room for
	charged int64 // what was taken for that
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
	// As much as there ever is, for the largest.
	charge = min(charge, b.account.budget.pools[answers].room(b.account.caller.Known)) - b.charged
	if err := b.account.await(b.ctx, answers, charge, b.limit); err != nil {
		return err
	}
	b.room, b.charged = room, b.charged+charge
	return nil
}
