package rpc

import "sync"

// batch gathers the answers to a batch of messages.
type batch struct {
	mu      sync.Mutex
	waiting int
	out     []byte
	write   func(Response)
}

func newBatch(n int, write func(Response)) *batch { return &batch{waiting: n, write: write} }

// add adds an answer, or none where a message has none, and writes them all
// after the last: nothing, for a batch of notifications.
func (b *batch) add(response Response) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(response.JSON) > 0 {
		if b.out == nil {
			b.out = append(b.out, '[')
		} else {
			b.out = append(b.out, ',')
		}
		b.out = response.AppendTo(b.out)
	}
	if b.waiting--; b.waiting > 0 {
		return
	}
	if b.out != nil {
		b.out = append(b.out, ']')
	}
	b.write(Response{JSON: b.out})
}
