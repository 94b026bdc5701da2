// Package clean makes texts of others fit to show.
package clean

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/invisible"
)

// Line returns at most limit characters of s on one line, without control or
// invisible characters: fit for an error, a log or a terminal. Where it leaves
// characters out at the end, the last one is an ellipsis.
func Line(s string, limit int) string {
	var line []rune
	for _, r := range strings.TrimSpace(s) {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case r == utf8.RuneError || !unicode.IsPrint(r), invisible.Is(r):
			continue
		}
		if len(line) >= limit {
			line = append(line[:max(limit-1, 0)], '…')
			break
		}
		line = append(line, r)
	}
	return strings.TrimSpace(string(line))
}
