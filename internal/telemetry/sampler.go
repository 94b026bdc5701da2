package telemetry

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

// sampler decides which calls are recorded. The zero value records none.
type sampler struct {
	parentBased bool   // the caller's decision is ours
	bound       uint64 // a trace is recorded where 63 bits of its id are below
}

const all = 1 << 63

// newSampler returns the sampler of a name and an argument of OpenTelemetry's
// variables. It reports whether it understood them; where it did not, it
// returns what they are by default.
func newSampler(name, argument string) (s sampler, ok bool) {
	name, parentBased := strings.CutPrefix(name, "parentbased_")
	s = sampler{parentBased: parentBased, bound: all}
	switch name {
	case "":
		return sampler{parentBased: true, bound: all}, !parentBased
	case "always_on":
		return s, true
	case "always_off":
		s.bound = 0
		return s, true
	case "traceidratio":
		if argument == "" {
			return s, true
		}
		ratio, err := strconv.ParseFloat(argument, 64)
		if err != nil || math.IsNaN(ratio) || ratio < 0 || ratio > 1 {
			return s, false
		}
		s.bound = uint64(ratio * all)
		return s, true
	}
	return sampler{parentBased: true, bound: all}, false
}

// never reports whether nothing is ever recorded.
func (s sampler) never() bool { return s.bound == 0 && !s.parentBased }

func (s sampler) sample(trace traceID, parent place, isRoot bool) bool {
	if s.parentBased && !isRoot {
		return parent.sampled()
	}
	return binary.BigEndian.Uint64(trace[8:])>>1 < s.bound
}
