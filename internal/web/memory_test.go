package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

// The time is virtual.
func TestBodyThatComesTooSlowlyIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn, end := pipeTo(t, options(nil))
		defer end()
		began := time.Now()
		go func() {
			_, _ = io.WriteString(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")
		}()
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
			t.Errorf("%v %s", err, answer)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

// The time is virtual.
func TestAnswerThatIsNotTakenIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		o.Limits.CallerInFlight = 1
		conn, end := pipeTo(t, o)
		defer end()
		body := call("1", "large")
		if _, err := fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		taken := 0
		for range 5 { // a client that takes a part now and then is waited for
			pass(20 * time.Second)
			n, err := io.ReadFull(conn, make([]byte, 70<<10))
			if taken += n; err != nil {
				t.Fatal(err)
			}
		}
		pass(31 * time.Second)
		rest, _ := io.ReadAll(conn)
		if taken+len(rest) > 1<<20 {
			t.Error("all of it came")
		}
	})
}

// pipeTo serves a connection that has no buffers.
func pipeTo(t *testing.T, o web.Options) (net.Conn, func()) {
	t.Helper()
	_, conn, end := pipesTo(t, o)
	return conn, end
}

// pipesTo serves such connections, and opens the first.
func pipesTo(t *testing.T, o web.Options) (*pipeListener, net.Conn, func()) {
	t.Helper()
	listener := newPipeListener()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- web.New(o).Serve(ctx, listener) }()
	conn, err := listener.dial(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	return listener, conn, func() {
		_ = conn.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A body that comes slowly, and an answer that is not taken, give way to others
// that need their memory. The time is virtual.
func TestSlowClientsGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		o.Memory = memory.NewBudget(96 << 20) // of which 6 MiB are for calls, and 4 MiB for large messages
		listener := newPipeListener()
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- web.New(o).Serve(ctx, listener) }()
		dial := func(head, body string) net.Conn {
			conn, err := listener.dial(ctx, "", "")
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			if _, err := io.WriteString(conn, head+body); err != nil {
				t.Fatal(err)
			}
			return conn
		}
		var slow []net.Conn
		post := func(key string, length int) string {
			return fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer polt_made_up_%s\r\nContent-Length: %d\r\n\r\n", key, length)
		}
		for i := range 3 { // which have all that there is for large messages
			slow = append(slow, dial(post(fmt.Sprint("body_", i), 1<<20), strings.Repeat(" ", 600<<10)))
		}
		for i := range 60 { // and all that there is for calls
			body := call("1", "large")
			slow = append(slow, dial(post(fmt.Sprint("answer_", i), len(body)), body))
		}
		pass(2 * time.Second)
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		r := &running{t: t, URL: "http://localhost", client: client}
		for _, body := range []string{call("1", "who"), call("1", "who") + strings.Repeat(" ", 1<<20)} {
			if got := r.do(request{body: body}); got.status != 200 {
				t.Errorf("one of %d bytes is answered with %d: %s", len(body), got.status, got.body)
			}
		}
		// Those that gave way are told, or cut off, at once.
		told, cut := 0, 0
		for i, conn := range slow {
			_ = conn.SetDeadline(time.Now().Add(time.Millisecond))
			answer := make([]byte, 12)
			n, err := conn.Read(answer)
			switch {
			case i < 3 && string(answer[:n]) == "HTTP/1.1 429":
				told++
			case i >= 3 && errors.Is(err, io.EOF):
				cut++
			}
			_ = conn.Close()
		}
		if told == 0 || cut == 0 {
			t.Errorf("of 3 bodies that come slowly %d were refused, and of 60 answers that are not taken %d were cut off", told, cut)
		}
		client.CloseIdleConnections()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if held := o.Memory.Held(); held != 0 {
			t.Errorf("%d bytes are held after the end", held)
		}
	})
}

// An answer that a client does not take is no call that runs: others must not be
// told that there are too many.
func TestAnswerThatIsNotTakenTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		o.Limits.TotalInFlight = 1
		listener, conn, end := pipesTo(t, o)
		defer end()
		body := call("1", "large")
		if _, err := fmt.Fprintf(conn, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		other, err := listener.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		body = call("2", "who")
		_, _ = fmt.Fprintf(other, "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		status := make([]byte, len("HTTP/1.1 200"))
		if _, err := io.ReadFull(other, status); err != nil || string(status) != "HTTP/1.1 200" {
			t.Errorf("another call is answered with %s, %v", status, err)
		}
	})
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

// sseOver opens a stream of SSE on a connection that has no buffers, of which no
// more is read than where messages go.
func sseOver(t *testing.T, conn net.Conn, key string) (endpoint string) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", key); err != nil {
		t.Fatal(err)
	}
	var read []byte
	for !strings.HasSuffix(string(read), "\n\n\r\n") {
		b := make([]byte, 1)
		if _, err := conn.Read(b); err != nil {
			t.Fatal(err)
		}
		read = append(read, b...)
	}
	_, after, _ := strings.Cut(string(read), "data: ")
	return strings.TrimSpace(after)
}

// The time is virtual.
func TestStreamsThatAreNotReadGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		o.Memory = memory.NewBudget(96 << 20) // of which 5 MiB are for streams and calls of unknown callers
		o.Limits.TotalInFlight = 200
		listener, conn, end := pipesTo(t, o)
		defer end()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		defer client.CloseIdleConnections()
		r := &running{t: t, URL: "http://localhost", client: client}
		for i := range 90 {
			if i > 0 {
				var err error
				if conn, err = listener.dial(t.Context(), "", ""); err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
			}
			key := fmt.Sprintf("polt_made_up_%d", i)
			endpoint := sseOver(t, conn, key)
			// A short answer waits where it is flushed.
			if got := r.do(request{path: endpoint, body: call("1", "who"), header: bearer(key)}); got.status != 202 {
				t.Fatalf("the message of stream %d is answered with %d: %s", i, got.status, got.body)
			}
			synctest.Wait()
		}
		pass(2 * time.Second)
		for range 10 {
			body := "[" + strings.Repeat(call("1", "who")+",", 7) + call("1", "who") + "]"
			if got := r.do(request{body: body, header: map[string]string{"Mcp-Protocol-Version": "2025-03-26"}}); got.status != 200 {
				t.Errorf("a batch that needs their room is answered with %d: %s", got.status, got.body)
			}
		}
	})
}

// An answer that waits on a stream is no call that runs. The time is virtual.
func TestAnswerThatIsNotTakenFromAStreamTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(map[string]handler{"who": who, "large": func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return text(strings.Repeat("x", 1<<20)), nil
		}})
		o.Limits.TotalInFlight = 1
		listener, conn, end := pipesTo(t, o)
		defer end()
		client := &http.Client{Transport: &http.Transport{DialContext: listener.dial}}
		defer client.CloseIdleConnections()
		r := &running{t: t, URL: "http://localhost", client: client}
		endpoint := sseOver(t, conn, "polt_of_a")
		if got := r.do(request{path: endpoint, body: call("1", "large"), header: bearer("polt_of_a")}); got.status != 202 {
			t.Fatalf("%d: %s", got.status, got.body)
		}
		synctest.Wait()
		if got := r.do(request{body: call("2", "who")}); got.status != 200 {
			t.Errorf("another call is answered with %d: %s", got.status, got.body)
		}
	})
}
