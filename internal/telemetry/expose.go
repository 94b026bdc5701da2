package telemetry

import (
	"bytes"
	"net/http"
	"time"

	victoria "github.com/VictoriaMetrics/metrics"
)

// started is when this process did, near enough.
var started = time.Now()

// ServeHTTP serves the metrics in Prometheus's text format, version 0.0.4: ours,
// and those of Go and of the process.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	m.set.WritePrometheus(&b)
	victoria.WriteGoMetrics(&b)
	victoria.WriteProcMetrics(&b)
	victoria.WriteFDMetrics(&b)
	if !bytes.Contains(b.Bytes(), []byte("\nprocess_start_time_seconds ")) { // as on macOS
		victoria.WriteGaugeFloat64(&b, "process_start_time_seconds", float64(started.Unix()))
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(m.explain(b.Bytes())) // a scraper that went away asks again
}

// explain puts our help into the lines of help, which the library leaves
// empty, and leaves out those that have none.
func (m *metrics) explain(text []byte) []byte {
	explained := make([]byte, 0, len(text)+len(text)/4)
	for line := range bytes.Lines(text) {
		name, isHelp := bytes.CutPrefix(line, []byte("# HELP "))
		if !isHelp {
			explained = append(explained, line...)
			continue
		}
		name = bytes.TrimSpace(name)
		if help := m.help[string(name)]; help != "" {
			explained = append(explained, "# HELP "...)
			explained = append(explained, name...)
			explained = append(explained, ' ')
			explained = append(explained, help...)
			explained = append(explained, '\n')
		}
	}
	return explained
}
