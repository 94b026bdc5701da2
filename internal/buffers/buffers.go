// Package buffers reuses the buffers of answers: without that, they would be most
// of the garbage collector's work.
package buffers

import "sync"

// maxKept is the capacity in bytes above which a buffer is not reused.
const maxKept = 256 << 10

var pool sync.Pool // of *[]byte

// Get returns an empty buffer with room for n bytes. It need not be freed.
func Get(n int) []byte {
	if b, ok := pool.Get().(*[]byte); ok {
		if cap(*b) >= n {
			return (*b)[:0]
		}
	} // a buffer that is too small is dropped, so that the pool's become large enough
	return make([]byte, 0, n)
}

// Free makes a buffer available to others. Nothing may use it, or what it shares
// its bytes with, afterwards.
func Free(b []byte) {
	if cap(b) > 0 && cap(b) <= maxKept {
		pool.Put(&b)
	}
}
