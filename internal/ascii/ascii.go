// Package ascii copies plain text, eight bytes at a time.
package ascii

import (
	"math/bits"
)

const (
	ones = 0x0101010101010101
	high = 0x80 * ones
)

// Plain returns how many bytes at the beginning of s stand for themselves in a
// JSON string and for nothing invisible: ASCII from the space to the tilde, but
// for the quote and the backslash.
func Plain[T []byte | string](s T) int {
	n := 0
	for len(s)-n >= 8 {
		if marks := others(word(s[n : n+8])); marks != 0 {
			return n + bits.TrailingZeros64(marks)/8
		}
		n += 8
	}
	for n < len(s) && ' ' <= s[n] && s[n] < 0x7f && s[n] != '"' && s[n] != '\\' {
		n++
	}
	return n
}

// AppendPlain appends the first [Plain] bytes of s, and returns how many those are.
func AppendPlain[T []byte | string](dst []byte, s T) ([]byte, int) {
	n := Plain(s)
	return append(dst, s[:n]...), n
}

// word returns eight bytes as one word, the first the lowest; the compiler makes
// one load of it.
func word[T []byte | string](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// others returns a word whose lowest bit that is set is in the lowest byte of x
// that is not plain; it is 0 where all are.
func others(x uint64) uint64 {
	// In each term, a borrow from a byte that is found may mark those above it
	// falsely, and never one below.
	control := x - ' '*ones
	quote := (x ^ '"'*ones) - ones
	backslash := (x ^ '\\'*ones) - ones
	del := (x ^ 0x7f*ones) - ones
	// With the high bit of x clear, the high bit after the subtraction says
	// that the byte was under what was subtracted.
	return (control&^x | quote&^(x^'"'*ones) | backslash&^(x^'\\'*ones) | del&^(x^0x7f*ones) | x) & high
}
