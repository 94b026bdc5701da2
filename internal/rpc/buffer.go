package rpc

import "sync"

// Response buffers are pooled: without that, they would be a third of the
// garbage collector's work.

// maxKeptBuffer is the capacity in bytes above which a buffer is not pooled.
const maxKeptBuffer = 256 << 10

var buffers sync.Pool // of *[]byte

func newBuffer() []byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

// freeBuffer returns the buffer of a written message to the pool.
func freeBuffer(b []byte) {
	if cap(b) <= maxKeptBuffer {
		buffers.Put(&b)
	}
}
