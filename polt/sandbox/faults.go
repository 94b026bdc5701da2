package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Fault is a way for a platform, or for the network in front of it, to fail.
// Its text is its name on the command line.
type Fault string

// The faults. Those whose name ends in -after act first: the request has its
// effect, and the answer is lost or replaced. Those from FaultDrip on change
// the answer of a request that has been served. All others answer in the
// handler's place, so that the request has no effect.
const (
	FaultRateLimited      Fault = "429"             // too many requests
	FaultRetryAfter       Fault = "429-retry-after" // the same, with a Retry-After of 1 second
	FaultInternal         Fault = "500"
	FaultInternalAfter    Fault = "500-after"
	FaultBadGateway       Fault = "502" // a proxy's HTML
	FaultBadGatewayAfter  Fault = "502-after"
	FaultUnavailable      Fault = "503"
	FaultTunnelOffline    Fault = "offline"       // ngrok's page, where the tunnel is down
	FaultRedirectHost     Fault = "redirect-host" // to another host
	FaultRedirectReserved Fault = "redirect-cto"  // to an endpoint that is reserved for the CTO
	FaultSilence          Fault = "silence"       // no answer, until the client gives up
	FaultSilenceAfter     Fault = "silence-after" // the same, after acting
	FaultReset            Fault = "reset"         // the connection breaks, or the HTTP/2 stream
	FaultResetAfter       Fault = "reset-after"   // the same, after acting
	// HTTP/2 streams that are reset with an error code: by [Faulty.Transport] only.
	// Over a network, net/http's servers have no other code than INTERNAL_ERROR, and
	// HTTP/1.1 has none: there, they are as FaultReset.
	FaultRefusedStream      Fault = "h2-refused-stream"
	FaultProtocolError      Fault = "h2-protocol-error"
	FaultProtocolErrorAfter Fault = "h2-protocol-error-after"
	FaultInternalError      Fault = "h2-internal-error"
	FaultInternalErrorAfter Fault = "h2-internal-error-after"
	FaultCancel             Fault = "h2-cancel"
	FaultCancelAfter        Fault = "h2-cancel-after"
	FaultCalm               Fault = "h2-enhance-your-calm"
	FaultCalmAfter          Fault = "h2-enhance-your-calm-after"

	FaultDrip          Fault = "drip"            // the answer comes byte by byte
	FaultTruncated     Fault = "truncated"       // the connection breaks within the answer
	FaultInvalidJSON   Fault = "invalid-json"    // the answer ends within a value
	FaultHuge          Fault = "huge"            // the answer has 64 MiB
	FaultContentType   Fault = "content-type"    // the answer calls itself HTML
	FaultUnknownFields Fault = "unknown-fields"  // objects have members that nobody knows
	FaultMissingFields Fault = "missing-fields"  // objects lack a member
	FaultNullFields    Fault = "null-fields"     // a member of each object is null
	FaultWrongTypes    Fault = "wrong-types"     // a member of each object has another type
	FaultDeep          Fault = "deep"            // 100,000 levels of arrays
	FaultDuplicateKeys Fault = "duplicate-keys"  // objects have a member twice, with two values
	FaultInvalidUTF8   Fault = "invalid-utf8"    // texts have bytes that are no character
	FaultInvisible     Fault = "invisible"       // texts have characters that nobody sees
	FaultEchoKey       Fault = "echo-key"        // the answer repeats the caller's key
	FaultByteOrderMark Fault = "byte-order-mark" // the answer begins with one, as some servers write it
)

// AllFaults returns every fault.
func AllFaults() []Fault {
	return []Fault{
		FaultRateLimited, FaultRetryAfter, FaultInternal, FaultInternalAfter, FaultBadGateway, FaultBadGatewayAfter,
		FaultUnavailable, FaultTunnelOffline, FaultRedirectHost, FaultRedirectReserved, FaultSilence, FaultSilenceAfter,
		FaultReset, FaultResetAfter, FaultRefusedStream, FaultProtocolError, FaultProtocolErrorAfter, FaultInternalError,
		FaultInternalErrorAfter, FaultCancel, FaultCancelAfter, FaultCalm, FaultCalmAfter, FaultDrip, FaultTruncated, FaultInvalidJSON, FaultHuge, FaultContentType,
		FaultUnknownFields, FaultMissingFields, FaultNullFields, FaultWrongTypes, FaultDeep, FaultDuplicateKeys,
		FaultInvalidUTF8, FaultInvisible, FaultEchoKey, FaultByteOrderMark,
	}
}

// Acts reports whether a request that meets the fault has its effect.
func (f Fault) Acts() bool {
	return strings.HasSuffix(string(f), "-after") && f != FaultRetryAfter || answers[f] != nil
}

// A FaultRule says which requests meet a fault.
type FaultRule struct {
	Fault Fault
	// Rate is the share of the requests that meet it; 0 means all of them.
	Rate float64
	// Times is how many requests meet it at most; 0 is no limit.
	Times int
	// Method is the requests' method; empty means any.
	Method string
	// Path is the requests' path, in which * stands for any one segment; empty
	// means any.
	Path string
}

// FaultOptions say which faults there are. The zero value has none.
type FaultOptions struct {
	// Rules are asked in turn, and the first that applies to a request decides.
	Rules []FaultRule
	// Seed makes the rates repeatable: the n-th request meets the same fault
	// again.
	Seed uint64
	// Drip is the time from one byte of [FaultDrip] to the next; 0 means 100 ms.
	Drip time.Duration
	// OnFault is told of each request that meets a fault; nil means nobody is.
	OnFault func(Fault, *http.Request)
}

// Faulty is a platform that fails. Any number of goroutines may use it.
type Faulty struct {
	handler http.Handler
	options FaultOptions

	mu       sync.Mutex
	requests uint64
	met      []int // how often each rule has applied
}

// Faults returns a handler that answers as h does, but for the requests that
// meet a fault: for tests of what an agent, or a client, makes of it.
//
//	faulty, err := sandbox.Faults(s, sandbox.FaultOptions{Rules: []sandbox.FaultRule{
//		{Fault: sandbox.FaultResetAfter, Method: "POST", Rate: 0.1},
//	}})
//
// It fails where a rule names no fault.
func Faults(h http.Handler, o FaultOptions) (*Faulty, error) {
	for _, r := range o.Rules {
		if !known(r.Fault) {
			return nil, fmt.Errorf("sandbox: %q is not a fault", r.Fault)
		}
		if r.Rate < 0 || r.Rate > 1 {
			return nil, fmt.Errorf("sandbox: the rate of the fault %s is %v, which is not between 0 and 1", r.Fault, r.Rate)
		}
	}
	if o.Drip <= 0 {
		o.Drip = 100 * time.Millisecond
	}
	if o.OnFault == nil {
		o.OnFault = func(Fault, *http.Request) {}
	}
	return &Faulty{handler: h, options: o, met: make([]int, len(o.Rules))}, nil
}

func known(f Fault) bool {
	for _, k := range AllFaults() {
		if k == f {
			return true
		}
	}
	return false
}

// ServeHTTP answers, or fails to. Like any handler that aborts, it panics with
// [http.ErrAbortHandler] where the connection is to break.
func (f *Faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, random := f.choose(r)
	if fault == "" {
		f.handler.ServeHTTP(w, r)
		return
	}
	f.fail(w, r, fault, random)
}

// choose returns the fault that a request meets, or "".
func (f *Faulty) choose(r *http.Request) (Fault, *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	random := rand.New(rand.NewPCG(f.options.Seed, f.requests)) //nolint:gosec // it must be repeatable
	for i, rule := range f.options.Rules {
		if !rule.fits(r) || rule.Times > 0 && f.met[i] >= rule.Times || rule.Rate > 0 && random.Float64() >= rule.Rate {
			continue
		}
		f.met[i]++
		return rule.Fault, random
	}
	return "", nil
}

func (r *FaultRule) fits(req *http.Request) bool {
	if r.Method != "" && r.Method != req.Method {
		return false
	}
	if r.Path == "" {
		return true
	}
	want, got := strings.Split(r.Path, "/"), strings.Split(req.URL.Path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != "*" && want[i] != got[i] {
			return false
		}
	}
	return true
}

// fail has a request meet a fault.
func (f *Faulty) fail(w http.ResponseWriter, r *http.Request, fault Fault, random *rand.Rand) {
	f.options.OnFault(fault, r)
	if answer := answers[fault]; answer != nil {
		served := &recorder{header: http.Header{}, status: http.StatusOK}
		f.handler.ServeHTTP(served, r)
		answer(f, w, r, served, random)
		return
	}
	if fault.Acts() {
		f.handler.ServeHTTP(&recorder{header: http.Header{}}, r)
	}
	refusals[fault](w, r)
}
