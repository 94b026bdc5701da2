package rpc

import "sync"

// batch collects the responses to a batch of messages.
type batch struct {
	mu      sync.Mutex
	waiting int
	out     []byte
	write   func(Response)
}

func newBatch(n int, write func(Response)) *batch { return &batch{waiting: n, write: write} }

// add must be called once per message, with an empty response if it has none.
// The last call writes them all: an empty response if there were none.
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
