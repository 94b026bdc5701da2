package rpc

import "sync"

// Answers are written in memory that is used again: without that, they would
// be a third of all that the garbage collector has to do.

// maxKeptBuffer is how large a buffer may be to be used again.
const maxKeptBuffer = 256 << 10

var buffers sync.Pool // of *[]byte

func newBuffer() []byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

// freeBuffer gives back the memory of a message that has been written.
func freeBuffer(b []byte) {
	if cap(b) <= maxKeptBuffer {
		buffers.Put(&b)
	}
}
