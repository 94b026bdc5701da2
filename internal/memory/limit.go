package memory

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	base     = 64 << 20 // used by the process itself
	least    = 32 << 20 // minimum beyond base
	defaults = 1 << 30
)

// Limit returns how many bytes of memory the process may use: GOMEMLIMIT, else the
// cgroup's limit, else 1 GiB.
func Limit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(file) //nolint:gosec // one of the two above
		if err != nil {
			continue
		}
		// cgroup v1 reports a number near the maximum for no limit.
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && limit > 0 && limit < 1<<50 {
			return limit
		}
	}
	return defaults
}

// ParseLimit parses a size such as 512MiB; "" is [Limit].
func ParseLimit(text string) (int64, error) {
	if text == "" {
		return Limit(), nil
	}
	number, unit := text, int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, bytes
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size such as 512MiB", text)
	}
	if n *= unit; n < base+least {
		return 0, fmt.Errorf("%s is too little: the least is %d MiB", text, (base+least)>>20)
	}
	return n, nil
}

// SetGCLimit sets the garbage collector's memory limit for a process that may use limit
// bytes, until undo is called. It does not override GOMEMLIMIT.
func SetGCLimit(limit int64) (undo func()) {
	before := debug.SetMemoryLimit(-1)
	if before != math.MaxInt64 {
		return func() {}
	}
	// Leave headroom: the collector starts late, and allocation continues meanwhile.
	debug.SetMemoryLimit(limit - limit/4)
	return func() { debug.SetMemoryLimit(before) }
}
