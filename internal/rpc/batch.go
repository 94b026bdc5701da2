package rpc

import "sync"

// batch gathers the answers to a batch of messages.
type batch struct {
	mu      sync.Mutex
	waiting int
	out     []byte
	write   func([]byte)
}

func newBatch(n int, write func([]byte)) *batch { return &batch{waiting: n, write: write} }

// add adds an answer, or nil where a message has none, and writes them all
// after the last: nothing, for a batch of notifications.
func (b *batch) add(answer []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(answer) > 0 {
		if b.out == nil {
			b.out = append(b.out, '[')
		} else {
			b.out = append(b.out, ',')
		}
		b.out = append(b.out, answer...)
	}
	if b.waiting--; b.waiting > 0 {
		return
	}
	if b.out != nil {
		b.out = append(b.out, ']')
	}
	b.write(b.out)
}
