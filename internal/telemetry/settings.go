package telemetry

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// settings say where spans go, and how. They are OpenTelemetry's variables.
type settings struct {
	endpoint string
	headers  http.Header
	timeout  time.Duration // of an export, with its second try
	resource []attribute
	sampler  sampler
	queue    int           // spans that wait; more are dropped
	batch    int           // spans of an export, at most
	delay    time.Duration // until spans that are fewer are exported too
}

// reader reads variables, and keeps what was wrong with them. It says which
// they are and not what they hold, which may be a secret.
type reader struct {
	getenv   func(string) string
	warnings []error
}

// readSettings returns nil settings where nothing is to be traced.
func readSettings(getenv func(string) string, version string) (*settings, []error, error) {
	r := &reader{getenv: func(name string) string { return strings.TrimSpace(getenv(name)) }}
	endpoint, variable := r.getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	if endpoint == "" {
		variable = "OTEL_EXPORTER_OTLP_ENDPOINT"
		if endpoint = r.getenv(variable); endpoint != "" {
			endpoint = strings.TrimRight(endpoint, "/") + "/v1/traces"
		}
	}
	if endpoint == "" || strings.EqualFold(r.getenv("OTEL_SDK_DISABLED"), "true") || r.getenv("OTEL_TRACES_EXPORTER") == "none" {
		return nil, nil, nil
	}
	sampler, ok := newSampler(r.getenv("OTEL_TRACES_SAMPLER"), r.getenv("OTEL_TRACES_SAMPLER_ARG"))
	if !ok {
		r.warn("OTEL_TRACES_SAMPLER or OTEL_TRACES_SAMPLER_ARG", "goes on without it")
	}
	if sampler.never() {
		return nil, r.warnings, nil
	}
	if u, err := url.Parse(endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, nil, fmt.Errorf("%s should begin with http:// or https:// and a host, as http://localhost:4318", variable)
	}
	s := &settings{
		endpoint: endpoint, sampler: sampler, headers: http.Header{}, resource: r.resource(version),
		timeout: r.milliseconds(r.otlpName("TIMEOUT"), 10*time.Second),
		queue:   r.positive("OTEL_BSP_MAX_QUEUE_SIZE", 2048),
		batch:   r.positive("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
		delay:   r.milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5*time.Second),
	}
	for _, p := range r.pairs(r.otlpName("HEADERS")) {
		s.headers.Set(p.name, p.text)
	}
	if name := r.otlpName("PROTOCOL"); r.getenv(name) != "" && r.getenv(name) != "http/protobuf" {
		r.warn(name, "sends http/protobuf")
	}
	return s, r.warnings, nil
}

// otlpName returns the variable of an exporter's setting: that of traces alone
// where it is set, else that of all signals.
func (r *reader) otlpName(setting string) string {
	if name := "OTEL_EXPORTER_OTLP_TRACES_" + setting; r.getenv(name) != "" {
		return name
	}
	return "OTEL_EXPORTER_OTLP_" + setting
}

func (r *reader) warn(name, instead string) {
	r.warnings = append(r.warnings, errors.New(name+" is not understood: this server "+instead))
}

func (r *reader) positive(name string, otherwise int) int {
	value := r.getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n <= 0 || n > 1<<24 {
		r.warn(name, fmt.Sprintf("takes %d", otherwise))
		return otherwise
	}
	return n
}

func (r *reader) milliseconds(name string, otherwise time.Duration) time.Duration {
	return time.Duration(r.positive(name, int(otherwise.Milliseconds()))) * time.Millisecond
}

// pairs reads name=value,name=value with values that are percent-encoded. One
// fault makes it none, as half of the headers would be no better.
func (r *reader) pairs(name string) []attribute {
	var pairs []attribute
	for member := range strings.SplitSeq(r.getenv(name), ",") {
		if strings.TrimSpace(member) == "" {
			continue
		}
		key, escaped, ok := strings.Cut(member, "=")
		value, err := url.PathUnescape(strings.TrimSpace(escaped))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			r.warn(name, "goes on without it")
			return nil
		}
		pairs = append(pairs, text(key, value))
	}
	return pairs
}

// resource returns what the spans are of.
func (r *reader) resource(version string) []attribute {
	own := []attribute{text("service.name", "polt-mcp"), text("service.version", version)}
	set := func(a attribute) {
		for i := range own {
			if own[i].name == a.name {
				own[i] = a
				return
			}
		}
		own = append(own, a)
	}
	for _, a := range r.pairs("OTEL_RESOURCE_ATTRIBUTES") {
		set(a)
	}
	if name := r.getenv("OTEL_SERVICE_NAME"); name != "" {
		set(text("service.name", name))
	}
	set(text("telemetry.sdk.language", "go"))
	set(text("telemetry.sdk.name", "polt-mcp"))
	set(text("telemetry.sdk.version", version))
	return own
}
