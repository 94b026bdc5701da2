package telemetry

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// What follows writes an ExportTraceServiceRequest of OTLP, version 1, by the
// numbers of its fields. The tests read it with OpenTelemetry's own types.

const (
	scopeName   = "github.com/openpolt/polt-mcp"
	statusError = 2

	// Of a span's flags, beside those of its place.
	flagKnowsRemote = 0x100
	flagRemote      = 0x200
)

// encode returns the request that exports a batch.
func encode(batch []*span, resource []attribute, version string) []byte {
	var about, scope, spans []byte
	for _, a := range resource {
		about = appendMessage(about, 1, encodeAttribute(a))
	}
	scope = appendText(scope, 1, scopeName)
	scope = appendText(scope, 2, version)
	spans = appendMessage(spans, 1, scope)
	for _, s := range batch {
		spans = appendMessage(spans, 2, encodeSpan(s))
	}
	var of []byte
	of = appendMessage(of, 1, about)
	of = appendMessage(of, 2, spans)
	return appendMessage(nil, 1, of)
}

func encodeSpan(s *span) []byte {
	b := make([]byte, 0, 512)
	b = appendMessage(b, 1, s.trace[:])
	b = appendMessage(b, 2, s.span[:])
	b = appendText(b, 3, s.state)
	if s.parent != (spanID{}) {
		b = appendMessage(b, 4, s.parent[:])
	}
	b = appendText(b, 5, s.name)
	b = appendNumber(b, 6, uint64(s.kind))
	start := s.start.UnixNano()
	b = appendFixed64(b, 7, start)
	b = appendFixed64(b, 8, start+int64(s.end.Sub(s.start))) // whatever became of the clock
	for _, a := range s.attributes {
		b = appendMessage(b, 9, encodeAttribute(a))
	}
	if s.errorType != "" {
		b = appendMessage(b, 9, encodeAttribute(text("error.type", s.errorType)))
		b = appendMessage(b, 15, appendNumber(nil, 3, statusError))
	}
	flags := uint32(s.flags) | flagKnowsRemote
	if s.remote {
		flags |= flagRemote
	}
	b = protowire.AppendTag(b, 16, protowire.Fixed32Type)
	return protowire.AppendFixed32(b, flags)
}

func encodeAttribute(a attribute) []byte {
	var value []byte
	if a.isNumber {
		value = appendNumber(value, 3, uint64(a.number)) //nolint:gosec // as protobuf has it
	} else {
		value = protowire.AppendTag(value, 1, protowire.BytesType) // "" is a value too
		value = protowire.AppendString(value, valid(a.text))
	}
	return appendMessage(appendText(nil, 1, a.name), 2, value)
}

func appendMessage(b []byte, field protowire.Number, message []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), message)
}

func appendText(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), valid(s))
}

func appendNumber(b []byte, field protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), n)
}

func appendFixed64(b []byte, field protowire.Number, n int64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), uint64(n)) //nolint:gosec // after 1970
}

// rejectedSpans reads how many spans an answer says were refused. Whatever
// else an answer is, it refuses none.
func rejectedSpans(reply []byte) int {
	partial := field(reply, 1, protowire.BytesType)
	if partial == nil {
		return 0
	}
	message, n := protowire.ConsumeBytes(partial)
	if n < 0 {
		return 0
	}
	count, n := protowire.ConsumeVarint(field(message, 1, protowire.VarintType))
	if n < 0 || count > 1<<31 {
		return 0
	}
	return int(count)
}

// field returns what a message has from a field's value on, or nil.
func field(message []byte, number protowire.Number, of protowire.Type) []byte {
	for len(message) > 0 {
		is, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil
		}
		message = message[n:]
		if is == number && kind == of {
			return message
		}
		if n = protowire.ConsumeFieldValue(is, kind, message); n < 0 {
			return nil
		}
		message = message[n:]
	}
	return nil
}

// valid returns s as protobuf wants a string: one byte that is not UTF-8 would
// lose the whole batch.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
