package telemetry_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// export is a request that a collector got.
type export struct {
	path    string
	headers http.Header
	body    *collector.ExportTraceServiceRequest
}

// collectorFake is a collector of OpenTelemetry. It reads what it gets with
// OpenTelemetry's own types.
type collectorFake struct {
	*httptest.Server
	t       testing.TB
	exports chan export
}

// newCollector returns a collector that answers with reply, or with 200 where
// that is nil. reply is called after the request has been put into exports.
func newCollector(t testing.TB, reply http.HandlerFunc) *collectorFake {
	c := &collectorFake{t: t, exports: make(chan export, 1000)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		e := export{r.URL.RequestURI(), r.Header, &collector.ExportTraceServiceRequest{}}
		if err == nil {
			err = proto.Unmarshal(b, e.body)
		}
		if err != nil {
			t.Errorf("no export: %v", err)
		}
		if unknown := unknownFields(e.body); unknown {
			t.Errorf("fields that OTLP does not have: %v", e.body)
		}
		c.exports <- e
		if reply != nil {
			reply(w, r)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// unknownFields reports whether a request has fields that its types have not.
func unknownFields(r *collector.ExportTraceServiceRequest) bool {
	n := len(r.ProtoReflect().GetUnknown())
	for _, rs := range r.ResourceSpans {
		n += len(rs.ProtoReflect().GetUnknown()) + len(rs.Resource.ProtoReflect().GetUnknown())
		for _, ss := range rs.ScopeSpans {
			n += len(ss.ProtoReflect().GetUnknown()) + len(ss.Scope.ProtoReflect().GetUnknown())
			for _, s := range ss.Spans {
				n += len(s.ProtoReflect().GetUnknown()) + len(s.Status.ProtoReflect().GetUnknown())
			}
		}
	}
	return n > 0
}

// env returns what makes a server trace to the collector.
func (c *collectorFake) env(more ...string) env {
	e := env{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}
	for i := 0; i < len(more); i += 2 {
		e[more[i]] = more[i+1]
	}
	return e
}

// wait returns the next export.
func (c *collectorFake) wait() export {
	c.t.Helper()
	select {
	case e := <-c.exports:
		return e
	case <-time.After(patience):
		c.t.Fatal("nothing was exported")
		return export{}
	}
}

// spans returns the spans of all exports until now, by their names.
func (c *collectorFake) spans() map[string][]*otlp.Span {
	all := map[string][]*otlp.Span{}
	for len(c.exports) > 0 {
		for _, s := range (<-c.exports).spans() {
			all[s.Name] = append(all[s.Name], s)
		}
	}
	return all
}

func (e export) spans() (all []*otlp.Span) {
	for _, rs := range e.body.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			all = append(all, ss.Spans...)
		}
	}
	return all
}

// attributes returns attributes as they read.
func attributes(all []*common.KeyValue) map[string]any {
	m := map[string]any{}
	for _, kv := range all {
		switch v := kv.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[kv.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[kv.Key] = v.IntValue
		}
	}
	return m
}

// traceparent returns what a request in a span's name says.
func traceparent(s *otlp.Span) string {
	return "00-" + hex.EncodeToString(s.TraceId) + "-" + hex.EncodeToString(s.SpanId) + "-01"
}
