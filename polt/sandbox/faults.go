package sandbox

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Fault is a failure of the platform or of the network in front of it. Its
// text is its name on the command line.
type Fault string

// The faults. Those whose name ends in -after, except 429-retry-after, let the
// request take effect and then lose or replace the response. FaultDrip and
// those after it alter the response of a request that took effect. All others
// replace the handler, so the request has no effect.
const (
	FaultRateLimited      Fault = "429"             // too many requests
	FaultRetryAfter       Fault = "429-retry-after" // the same, with a Retry-After of 1 second; no effect
	FaultInternal         Fault = "500"
	FaultInternalAfter    Fault = "500-after"
	FaultBadGateway       Fault = "502" // a proxy's HTML page
	FaultBadGatewayAfter  Fault = "502-after"
	FaultUnavailable      Fault = "503"
	FaultTunnelOffline    Fault = "offline"       // ngrok's page for an offline tunnel
	FaultRedirectHost     Fault = "redirect-host" // to another host
	FaultRedirectReserved Fault = "redirect-cto"  // to an endpoint reserved for the CTO
	FaultSilence          Fault = "silence"       // no response until the client gives up
	FaultSilenceAfter     Fault = "silence-after" // the same, after the effect
	FaultReset            Fault = "reset"         // the connection breaks, or the HTTP/2 stream
	FaultResetAfter       Fault = "reset-after"   // the same, after the effect
	// HTTP/2 stream resets with an error code, with [Faulty.Transport] only.
	// Over a network they equal FaultReset: net/http's servers reset with
	// INTERNAL_ERROR only, and HTTP/1.1 has no codes.
	FaultRefusedStream      Fault = "h2-refused-stream"
	FaultProtocolError      Fault = "h2-protocol-error"
	FaultProtocolErrorAfter Fault = "h2-protocol-error-after"
	FaultInternalError      Fault = "h2-internal-error"
	FaultInternalErrorAfter Fault = "h2-internal-error-after"
	FaultCancel             Fault = "h2-cancel"
	FaultCancelAfter        Fault = "h2-cancel-after"
	FaultCalm               Fault = "h2-enhance-your-calm"
	FaultCalmAfter          Fault = "h2-enhance-your-calm-after"

	FaultDrip          Fault = "drip"            // the response arrives byte by byte
	FaultTruncated     Fault = "truncated"       // the connection breaks within the response body
	FaultInvalidJSON   Fault = "invalid-json"    // the body ends early, within the JSON
	FaultHuge          Fault = "huge"            // the body has 64 MiB
	FaultContentType   Fault = "content-type"    // the Content-Type is text/html
	FaultUnknownFields Fault = "unknown-fields"  // objects have unknown members
	FaultMissingFields Fault = "missing-fields"  // objects lack a member
	FaultNullFields    Fault = "null-fields"     // a member of each object is null
	FaultWrongTypes    Fault = "wrong-types"     // a member of each object has the wrong type
	FaultDeep          Fault = "deep"            // 100,000 levels of arrays
	FaultDuplicateKeys Fault = "duplicate-keys"  // the object has a member twice, with two values
	FaultInvalidUTF8   Fault = "invalid-utf8"    // strings contain invalid UTF-8
	FaultInvisible     Fault = "invisible"       // strings contain invisible characters
	FaultEchoKey       Fault = "echo-key"        // the response contains the caller's key
	FaultByteOrderMark Fault = "byte-order-mark" // the body begins with one, as some servers send
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

// Acts reports whether a request that hits the fault still takes effect.
func (f Fault) Acts() bool {
	return strings.HasSuffix(string(f), "-after") && f != FaultRetryAfter || answers[f] != nil
}

// A FaultRule selects the requests that hit a fault.
type FaultRule struct {
	Fault Fault
	// Rate is the fraction of matching requests that hit the fault; 0 means all
	// of them.
	Rate float64
	// Times limits how many requests hit the fault; 0 means no limit.
	Times int
	// Method is the request method to match; empty means any.
	Method string
	// Path is the request path to match, in which * stands for any one segment;
	// empty means any.
	Path string
}

// FaultOptions configure the faults. The zero value has none.
type FaultOptions struct {
	// Rules are tried in order; the first that applies to a request decides.
	Rules []FaultRule
	// Seed makes rates reproducible: the n-th request hits the same fault in
	// each run.
	Seed uint64
	// Drip is the delay between the bytes of [FaultDrip]; 0 means 100 ms.
	Drip time.Duration
	// OnFault, if not nil, is called with each request that hits a fault. Calls
	// may be concurrent.
	OnFault func(Fault, *http.Request)
}

// Faulty is a handler with injected faults. It is safe for concurrent use.
type Faulty struct {
	handler http.Handler
	options FaultOptions

	mu       sync.Mutex
	requests uint64
	met      []int // how many requests hit each rule's fault
}

// Faults wraps h so that some requests hit a fault, to test how a client or an
// agent copes.
//
//	faulty, err := sandbox.Faults(s, sandbox.FaultOptions{Rules: []sandbox.FaultRule{
//		{Fault: sandbox.FaultResetAfter, Method: "POST", Rate: 0.1},
//	}})
//
// It fails if a rule has an unknown fault, or a rate that is not between 0 and
// 1.
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

// ServeHTTP lets h respond, or injects a fault. To break the connection it
// panics with [http.ErrAbortHandler], as handlers do.
func (f *Faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, random := f.choose(r)
	if fault == "" {
		f.handler.ServeHTTP(w, r)
		return
	}
	f.fail(w, r, fault, random)
}

// choose returns the fault that a request hits, or "".
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

// fail injects a fault into a request.
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
