package web_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
	"github.com/openpolt/polt-mcp/internal/rpc/watchtest"
	"github.com/openpolt/polt-mcp/internal/web"
)

// The bodies are of callers that have made up a key each, and never end.
func TestUnfinishedBodiesDoNotTakeAllMemory(t *testing.T) {
	o := options(map[string]handler{"who": who})
	o.Memory = memory.NewBudget(96 << 20)
	r := serve(t, o)
	part := strings.Repeat(" ", 1<<20)
	refused := make(chan string, 64)
	var conns []net.Conn
	for i := range 64 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns = append(conns, conn)
		go func() {
			answer := make([]byte, 4096)
			n, _ := conn.Read(answer) // nothing, where it is waited for the rest
			refused <- string(answer[:n])
		}()
		_, _ = fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer polt_made_up_%d\r\nContent-Length: 4000000\r\n\r\n%s", i, part) // which fails where it was refused
	}
	for range 60 {
		if answer := <-refused; !strings.HasPrefix(answer, "HTTP/1.1 429") && answer != "" {
			t.Errorf("answered %s", answer)
		}
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	r.awaitOK(request{body: call("1", "who") + strings.Repeat(" ", 1<<20)}) // when the server has noticed
}

// The rest of the memory is for callers that the server knows, whether by a key of
// their own or by one that it lends them.
func TestCallerThatIsKnownHasTheRestOfTheMemory(t *testing.T) {
	began, release := make(chan struct{}, 100), make(chan struct{})
	o := options(map[string]handler{"slow": held(began, release), "who": who})
	o.Memory = memory.NewBudget(96 << 20)
	o.IsKnown = web.Anonymous
	r := serve(t, o)
	batch := func(n int, tool string, header map[string]string) request {
		q := request{body: "[" + strings.Repeat(call("1", tool)+",", n-1) + call("1", tool) + "]", header: map[string]string{"Mcp-Protocol-Version": "2025-03-26"}}
		maps.Copy(q.header, header)
		return q
	}
	first := make(chan response)
	go func() { first <- r.do(batch(30, "slow", bearer("polt_of_a"))) }()
	for range 30 {
		<-began
	}
	if got := r.do(batch(15, "who", bearer("polt_of_b"))); got.status != 429 {
		t.Errorf("one that is not known is answered with %d", got.status)
	}
	if got := r.do(batch(15, "who", nil)); got.status != 200 {
		t.Errorf("one that is known is answered with %d: %s", got.status, got.body)
	}
	close(release)
	<-first
}

// What each message of a batch may need is taken before any of them runs.
func TestBatchTakesMemoryForEachOfItsMessages(t *testing.T) {
	began, release := make(chan struct{}, 100), make(chan struct{})
	o := options(map[string]handler{"slow": held(began, release)})
	o.Memory = memory.NewBudget(96 << 20) // of which 5 MiB are for calls of unknown callers
	r := serve(t, o)
	batch := "[" + strings.Repeat(call("1", "slow")+",", 29) + call("1", "slow") + "]"
	old := func(key string) request {
		return request{body: batch, header: map[string]string{"Authorization": "Bearer " + key, "Mcp-Protocol-Version": "2025-03-26"}}
	}
	first := make(chan response)
	go func() { first <- r.do(old("polt_of_a")) }()
	for range 30 {
		<-began
	}
	second := make(chan response, 1)
	go func() { second <- r.do(old("polt_of_b")) }()
	select {
	case got := <-second:
		if got.status != 429 || got.header.Get("Retry-After") != "2" || !strings.Contains(got.body, "(--max-memory). Wait 2 seconds, then") || !strings.Contains(got.body, `"retry_after_s":2`) {
			t.Errorf("another batch is answered with %d: %.200s", got.status, got.body)
		}
	case <-began:
		t.Error("another batch is taken")
	}
	close(release)
	if got := <-first; got.status != 200 {
		t.Errorf("the first batch is answered with %d: %.200s", got.status, got.body)
	}
}

func TestOpenStreamsTakeMemory(t *testing.T) {
	for name, q := range map[string]request{
		"SSE":       {method: "GET", path: "/sse"},
		"listening": {method: "POST", path: "/mcp", body: listenTo("polt://a"), header: modern("subscriptions/listen", "")},
	} {
		t.Run(name, func(t *testing.T) {
			o := watching(&watchtest.Watcher{})
			o.Memory = memory.NewBudget(96 << 20) // of which one caller has little over 1 MiB
			r := serve(t, o)
			for range 64 {
				resp, err := r.client.Do(r.newRequest(t.Context(), q))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if resp.StatusCode == 429 {
					return
				}
			}
			t.Error("64 streams are open")
		})
	}
}

// largeAnswers is a platform whose answers are large.
type largeAnswers struct{}

func (largeAnswers) RoundTrip(*http.Request) (*http.Response, error) {
	const size = 1 << 20
	return &http.Response{StatusCode: 200, ContentLength: size, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size)))}, nil
}

// What is read to begin a stream is charged until the stream has begun.
func TestListenerIsChargedForWhatItReads(t *testing.T) {
	var budget *memory.Budget
	charged := make(chan int64, 1)
	o := serving(rpc.Options{
		Server: server.NewMCPServer("test", "1", server.WithResourceCapabilities(true, false)),
		Watch: func(ctx context.Context, _ string, _ func()) (stop func(), err error) {
			before := budget.Held()
			q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://platform.invalid", nil)
			if err != nil {
				return nil, err
			}
			resp, err := memory.Transport(largeAnswers{}).RoundTrip(q)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			charged <- budget.Held() - before
			return func() {}, err
		},
	})
	budget = memory.NewBudget(128 << 20)
	o.Memory = budget
	r := serve(t, o)
	s := r.listen("polt://a")
	if n := <-charged; n < 1<<20 {
		t.Errorf("%d bytes are charged for an answer of 1 MiB", n)
	}
	if n := budget.Held(); n == 0 || n > 256<<10 {
		t.Errorf("%d bytes are held for a stream that has begun", n)
	}
	s.close()
	r.end()
	if n := budget.Held(); n != 0 {
		t.Errorf("%d bytes are held after the end", n)
	}
}

// What is parsed of a body copies it, in parts up to twice.
func TestCallIsChargedForItsBodyAndWhatIsParsedOfIt(t *testing.T) {
	for _, length := range []int64{1 << 10, 15 << 10, 1 << 20} {
		budget := memory.NewBudget(1 << 30)
		var held int64
		o := options(map[string]handler{"held": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			held = budget.Held()
			return text(""), nil
		}})
		o.Memory = budget
		message := call("1", "held")
		got := serve(t, o).do(request{body: message + strings.Repeat(" ", int(length)-len(message))})
		if least := 3*length + memory.PerCall; got.status != 200 || held < least || held > least+length+1 {
			t.Errorf("%d for a body of %d bytes, for which %d are held", got.status, length, held)
		}
		if left := budget.Held(); left != 0 {
			t.Errorf("%d are held afterwards", left)
		}
	}
}
