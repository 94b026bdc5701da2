package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// outcome is what a client gets of a request.
type outcome struct {
	err    error // of the request, or of reading the answer
	status int
	header http.Header
	body   []byte
	over   string // the transport
}

func (o outcome) isJSON() bool { return o.err == nil && json.Valid(o.body) }

// faultTests say what a client gets of each fault, asking for a task's answer
// with a key.
var faultTests = map[sandbox.Fault]func(outcome) bool{
	sandbox.FaultRateLimited:     func(o outcome) bool { return o.status == 429 && o.header.Get("Retry-After") == "" },
	sandbox.FaultRetryAfter:      func(o outcome) bool { return o.status == 429 && o.header.Get("Retry-After") == "1" },
	sandbox.FaultInternal:        func(o outcome) bool { return o.status == 500 && o.isJSON() },
	sandbox.FaultInternalAfter:   func(o outcome) bool { return o.status == 500 && o.isJSON() },
	sandbox.FaultBadGateway:      func(o outcome) bool { return o.status == 502 && bytes.HasPrefix(o.body, []byte("<")) },
	sandbox.FaultBadGatewayAfter: func(o outcome) bool { return o.status == 502 && bytes.HasPrefix(o.body, []byte("<")) },
	sandbox.FaultUnavailable:     func(o outcome) bool { return o.status == 503 },
	sandbox.FaultTunnelOffline: func(o outcome) bool {
		return o.status == 404 && o.header.Get("Ngrok-Error-Code") == "ERR_NGROK_3200" && bytes.HasPrefix(o.body, []byte("<"))
	},
	sandbox.FaultRedirectHost: func(o outcome) bool {
		return o.status == 307 && strings.HasPrefix(o.header.Get("Location"), "http://elsewhere.invalid/")
	},
	sandbox.FaultRedirectReserved: func(o outcome) bool { return o.status == 307 && o.header.Get("Location") == "/api/moderation/ban/1" },
	sandbox.FaultSilence:          func(o outcome) bool { return errors.Is(o.err, context.Canceled) },
	sandbox.FaultSilenceAfter:     func(o outcome) bool { return errors.Is(o.err, context.Canceled) },
	sandbox.FaultReset:            func(o outcome) bool { return o.err != nil && o.status == 0 },
	sandbox.FaultResetAfter:       func(o outcome) bool { return o.err != nil && o.status == 0 },
	// Over a network, the code is not the sandbox's to choose.
	sandbox.FaultRefusedStream:      isReset(7),
	sandbox.FaultProtocolError:      isReset(1),
	sandbox.FaultProtocolErrorAfter: isReset(1),
	sandbox.FaultInternalError:      isReset(2),
	sandbox.FaultInternalErrorAfter: isReset(2),
	sandbox.FaultCancel:             isReset(8),
	sandbox.FaultCancelAfter:        isReset(8),
	sandbox.FaultCalm:               isReset(11),
	sandbox.FaultCalmAfter:          isReset(11),
	sandbox.FaultDrip:               func(o outcome) bool { return o.isJSON() },
	sandbox.FaultTruncated:          func(o outcome) bool { return o.err != nil && o.status == 200 },
	sandbox.FaultInvalidJSON:        func(o outcome) bool { return o.err == nil && o.status == 200 && !o.isJSON() },
	sandbox.FaultHuge:               func(o outcome) bool { return o.isJSON() && len(o.body) > 64<<20 },
	sandbox.FaultContentType: func(o outcome) bool {
		return o.isJSON() && strings.HasPrefix(o.header.Get("Content-Type"), "text/html")
	},
	sandbox.FaultUnknownFields: func(o outcome) bool { return o.isJSON() && bytes.Contains(o.body, []byte(`"x_unknown":{`)) },
	sandbox.FaultMissingFields: func(o outcome) bool { return o.isJSON() && members(o.body) == 1 },
	sandbox.FaultNullFields:    func(o outcome) bool { return o.isJSON() && bytes.Contains(o.body, []byte(`:null`)) },
	sandbox.FaultWrongTypes:    func(o outcome) bool { return o.isJSON() && bytes.Contains(o.body, []byte(`:17`)) },
	sandbox.FaultDeep:          func(o outcome) bool { return bytes.Count(o.body, []byte("[")) >= 100_000 },
	sandbox.FaultDuplicateKeys: func(o outcome) bool {
		return o.isJSON() && bytes.Count(o.body, []byte(`"agent_id":`)) == 2 && members(o.body) == 2
	},
	sandbox.FaultInvalidUTF8:   func(o outcome) bool { return o.isJSON() && !utf8.Valid(o.body) },
	sandbox.FaultInvisible:     func(o outcome) bool { return o.isJSON() && bytes.Contains(o.body, []byte("\u202e")) },
	sandbox.FaultEchoKey:       func(o outcome) bool { return bytes.Count(o.body, []byte(`\u0070olt_x`)) == 1 && o.isJSON() },
	sandbox.FaultByteOrderMark: func(o outcome) bool { return bytes.HasPrefix(o.body, []byte("\ufeff{")) },
}

// streamError is net/http's, which copies itself to a struct of this shape.
type streamError struct {
	StreamID, Code uint32
	Cause          error
}

func (e streamError) Error() string { return e.Cause.Error() }

func isReset(code uint32) func(outcome) bool {
	return func(o outcome) bool {
		reset, isHTTP2 := errors.AsType[streamError](o.err)
		return o.err != nil && o.status == 0 && (o.over != "in process" || isHTTP2 && reset.Code == code)
	}
}

func members(body []byte) int {
	var all map[string]any
	_ = json.Unmarshal(body, &all)
	return len(all)
}

// TestFaults has a registration meet each fault over each transport, and looks
// whether it was done.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"in process", "HTTP/1.1", "HTTP/2"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := open(t, fixed())
			for i, fault := range sandbox.AllFaults() {
				told := make(chan sandbox.Fault, 8) // by the server, which the client may outrun
				// Who meets silence gives up when all has happened that will.
				ctx, giveUp := context.WithCancel(t.Context())
				defer giveUp()
				served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s.ServeHTTP(w, r)
					if fault == sandbox.FaultSilenceAfter {
						giveUp()
					}
				})
				faulty, err := sandbox.Faults(served, sandbox.FaultOptions{
					Rules: []sandbox.FaultRule{{Fault: fault}}, Drip: time.Microsecond,
					OnFault: func(f sandbox.Fault, _ *http.Request) {
						told <- f
						if fault == sandbox.FaultSilence {
							giveUp()
						}
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				url, via := serve(t, faulty, transport)
				username := fmt.Sprintf("agent-%d", i)
				got := ask(ctx, t, url, via, username)
				got.over = transport
				if test := faultTests[fault]; test == nil || !test(got) {
					t.Errorf("%s: %d %v %v %.200q", fault, got.status, got.err, got.header, got.body)
				}
				status := send(t, s, request(t, "", "GET", "/api/agents/"+username, "")).status
				if done := status == http.StatusOK; done != fault.Acts() {
					t.Errorf("%s: it acts: %v, and was done: %v", fault, fault.Acts(), done)
				}
				if first := <-told; first != fault || len(told) > 0 {
					t.Errorf("%s: told of %v, and of %d more", fault, first, len(told))
				}
			}
		})
	}
}

// serve serves a handler over a transport of that name.
func serve(t *testing.T, h *sandbox.Faulty, transport string) (url string, via http.RoundTripper) {
	t.Helper()
	if transport == "in process" {
		return "http://sandbox.invalid", h.Transport()
	}
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = transport == "HTTP/2"
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.EnableHTTP2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL, server.Client().Transport
}

// ask registers an agent, with a key, which a platform ignores.
func ask(ctx context.Context, t *testing.T, url string, via http.RoundTripper, username string) outcome {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/api/auth/register", strings.NewReader(`{"username":"`+username+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer polt_x")
	resp, err := via.RoundTrip(req)
	if err != nil {
		return outcome{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return outcome{err: err, status: resp.StatusCode, header: resp.Header, body: body}
}

func TestFaultRules(t *testing.T) {
	s := open(t, fixed())
	for name, test := range map[string]struct {
		spec string
		want []int // statuses of GET /api/leaderboard, POST /api/tasks/x/commit, and GET /api/tasks/x, twice
	}{
		"none":          {"", []int{200, 401, 404, 200, 401, 404}},
		"all requests":  {"503", []int{503, 503, 503, 503, 503, 503}},
		"a method":      {"503@POST", []int{200, 503, 404, 200, 503, 404}},
		"a path":        {"503@/api/tasks/*", []int{200, 401, 503, 200, 401, 503}},
		"a route":       {"503@POST /api/tasks/*/commit", []int{200, 503, 404, 200, 503, 404}},
		"another route": {"503@GET /api/tasks/*/commit", []int{200, 401, 404, 200, 401, 404}},
		"a few times":   {"503#4", []int{503, 503, 503, 503, 401, 404}},
		"in turn":       {"503#1@GET, 500#1@GET,429", []int{503, 429, 500, 429, 429, 429}},
	} {
		o, err := sandbox.ParseFaults(test.spec)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		faulty, err := sandbox.Faults(s, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for range 2 {
			for _, route := range []string{"GET /api/leaderboard", "POST /api/tasks/x/commit", "GET /api/tasks/x"} {
				method, path, _ := strings.Cut(route, " ")
				got = append(got, send(t, faulty, request(t, "", method, path, "")).status)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

// TestFaultSeed checks that a seed repeats what it did, and that rates are kept.
func TestFaultSeed(t *testing.T) {
	s := open(t, fixed())
	run := func(spec string) (met []string) {
		o, err := sandbox.ParseFaults(spec)
		if err != nil {
			t.Fatal(err)
		}
		o.OnFault = func(f sandbox.Fault, _ *http.Request) { met[len(met)-1] = string(f) }
		faulty, err := sandbox.Faults(s, o)
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			met = append(met, "")
			r := request(t, "", "GET", "/api/tasks/recent", "")
			ctx, cancel := context.WithCancel(r.Context())
			cancel() // so that silence ends
			func() {
				defer func() { _ = recover() }()
				faulty.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
			}()
		}
		return met
	}
	const spec = "429:0.25, 503:0.25"
	first := run(spec + ",seed:7")
	if !slices.Equal(first, run("seed:7,"+spec)) {
		t.Error("the same seed has other faults")
	}
	if slices.Equal(first, run(spec+",seed:8")) {
		t.Error("another seed has the same faults")
	}
	counts := map[string]int{}
	for _, f := range first {
		counts[f]++
	}
	if counts["429"] < 60 || counts["429"] > 140 || counts["503"] < 45 || counts["503"] > 110 {
		t.Errorf("of 400: %v", counts)
	}
}

func TestAllFaults(t *testing.T) {
	o, err := sandbox.ParseFaults("all:0.5")
	if err != nil {
		t.Fatal(err)
	}
	left := 1.0 // the share of requests that have met none yet
	for i, rule := range o.Rules {
		if rule.Fault != sandbox.AllFaults()[i] {
			t.Errorf("rule %d is %s", i, rule.Fault)
		}
		if share := left * rule.Rate * float64(len(o.Rules)); share < 0.499 || share > 0.501 {
			t.Errorf("%s: %v of all requests meet it", rule.Fault, share)
		}
		left *= 1 - rule.Rate
	}
	if faults := sandbox.AllFaults(); len(faults) != len(faultTests) {
		t.Errorf("there are %d faults, and %d are tested", len(faults), len(faultTests))
	}
}

func TestParseFaultsFails(t *testing.T) {
	for spec, want := range map[string]string{
		"404":          `the fault "404": there is no such fault; there are all, 429, `,
		"503:2":        `"2" is not a rate over 0 and up to 1`,
		"503:0":        `"0" is not a rate`,
		"503:NaN":      `"NaN" is not a rate`,
		"503#0":        `"0" is not a number of times`,
		"503#1.5":      `"1.5" is not a number of times`,
		"503@post":     `"post" is neither a method nor a path`,
		"seed:x":       `the seed "x" is not a number`,
		"429,,bad":     `there is no such fault`,
		"503@POST x/y": `"x/y" is neither a method nor a path`,
	} {
		if _, err := sandbox.ParseFaults(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
	}
	for _, rule := range []sandbox.FaultRule{{Fault: "x"}, {Fault: sandbox.FaultDrip, Rate: 1.1}, {Fault: sandbox.FaultDrip, Rate: -1}} {
		if _, err := sandbox.Faults(nil, sandbox.FaultOptions{Rules: []sandbox.FaultRule{rule}}); err == nil {
			t.Errorf("%+v is taken", rule)
		}
	}
}

// An agent's client makes an error of every fault that hides what it asked for.
func ExampleFaults() {
	s, err := sandbox.Open(context.Background(), sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	faulty, err := sandbox.Faults(s, sandbox.FaultOptions{Rules: []sandbox.FaultRule{
		{Fault: sandbox.FaultResetAfter, Method: "POST", Times: 1},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := polt.NewClient(polt.Options{BaseURL: "http://sandbox.invalid", Transport: faulty.Transport()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, err = polt.RegisterAgent.Call(context.Background(), client, polt.RegisterAgentInput{Username: "ada"})
		fmt.Println(err)
	}
	// Output:
	// polt: POST /api/auth/register: the request was sent, but no complete response arrived: connection reset by peer
	// polt: POST /api/auth/register: HTTP 409: Username already taken
}
