package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/web"
)

// logLine is a line of the log, as far as tests look at it.
type logLine struct {
	Level, Message, Reason, Client, Address, Path, Why string

	RequestID string `json:"request_id"`
	LeftOut   int    `json:"left_out"`
}

// lockedBuffer is a log, which any goroutine may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (l *lockedBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, line...)
	return len(line), nil
}

// take returns what was written since it was last called.
func (l *lockedBuffer) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.b
	l.b = nil
	return taken
}

func linesOf(t *testing.T, log *lockedBuffer) (lines []logLine) {
	t.Helper()
	for text := range bytes.Lines(log.take()) {
		var line logLine
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// An attack must show in the log, and not fill it.
func TestRefusalsAreLoggedInSamples(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lockedBuffer{}
		o := options(map[string]handler{"who": who})
		o.Limits = web.Limits{CallerRate: 0.001}
		o.Log = zerolog.New(log)
		h := web.New(o).Handler()
		send := func(times int, host string) {
			for range times {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/mcp", strings.NewReader(call("1", "who")))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer polt_of_a_secret")
				r.Header.Set("X-Request-Id", "mine")
				r.RemoteAddr = "198.51.100.1:1"
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
		send(101, "127.0.0.1") // the first is answered
		send(50, "evil.example")
		first := linesOf(t, log)
		if len(first) != 2 || first[0].Reason != "rate" || first[1].Reason != "host" {
			t.Fatalf("%+v", first)
		}
		if l := first[0]; l.Level != "info" || l.Message != "refused" || !strings.HasPrefix(l.Client, "key:") || l.Address != "198.51.100.1" || l.Path != "/mcp" || l.RequestID != "mine" || !strings.Contains(l.Why, "--caller-rate") {
			t.Errorf("%+v", l)
		}
		if strings.Contains(fmt.Sprint(first), "secret") {
			t.Errorf("%+v", first)
		}
		pass(time.Minute)
		synctest.Wait()
		leftOut := map[string]int{}
		for _, l := range linesOf(t, log) {
			leftOut[l.Reason] += l.LeftOut
		}
		if leftOut["rate"] != 99 || leftOut["host"] != 49 || len(leftOut) != 2 {
			t.Errorf("left out: %v", leftOut)
		}
		send(1, "evil.example")
		if again := linesOf(t, log); len(again) != 1 || again[0].Message != "refused" {
			t.Errorf("later: %+v", again)
		}
		pass(time.Minute)
		synctest.Wait()
		if more := linesOf(t, log); len(more) != 0 {
			t.Errorf("where nothing was left out: %+v", more)
		}
	})
}

func TestServerLogsWhyItStops(t *testing.T) {
	log := &lockedBuffer{}
	o := options(nil)
	o.Log = zerolog.New(log)
	r := serve(t, o)
	for range 3 {
		r.do(request{host: "evil.example", body: ping})
	}
	r.end()
	var messages []string
	for _, l := range linesOf(t, log) {
		messages = append(messages, fmt.Sprintf("%s %s %d", l.Message, l.Reason, l.LeftOut))
	}
	want := []string{"refused host 0", "stopping context canceled 0", "refused more requests host 2", "stopped  0"}
	if strings.Join(messages, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", messages)
	}
}
