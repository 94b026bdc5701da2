package tools_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/mark3labs/mcp-go/server"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// instant is a platform that has its answer ready.
type instant []byte

func (body instant) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

// BenchmarkCall takes a call of a tool apart from the network and the protocol,
// and with the protocol.
func BenchmarkCall(b *testing.B) {
	for _, c := range []struct{ tool, arguments, answer string }{
		{"list_tasks", `{"status":"available","limit":20}`, "../cmd/polt-mcp/testdata/bench/list_tasks.json"},
		{"get_task", `{"task_id":"t-1"}`, "../cmd/polt-mcp/testdata/bench/get_task.json"},
	} {
		answer, err := os.ReadFile(c.answer)
		if err != nil {
			b.Fatal(err)
		}
		client, err := polt.NewClient(polt.Options{Transport: instant(answer)})
		if err != nil {
			b.Fatal(err)
		}
		set, err := tools.New(tools.Options{Client: client})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.tool, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := set.Call(b.Context(), c.tool, json.RawMessage(c.arguments)); r.IsError {
					b.Fatal(r.Content)
				}
			}
		})
	}
}

// BenchmarkNew takes what is made at each start.
func BenchmarkNew(b *testing.B) {
	client, err := polt.NewClient(polt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		set, err := tools.New(tools.Options{Client: client})
		if err != nil {
			b.Fatal(err)
		}
		set.Register(server.NewMCPServer("bench", "1"))
	}
}
