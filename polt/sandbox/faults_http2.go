package sandbox

import (
	"errors"
	"fmt"
	"reflect"
)

// resetCodes are the HTTP/2 error codes of the stream resets (RFC 9113, section
// 7).
var resetCodes = map[Fault]resetCode{
	FaultRefusedStream:      {7, "REFUSED_STREAM"},
	FaultProtocolError:      {1, "PROTOCOL_ERROR"},
	FaultProtocolErrorAfter: {1, "PROTOCOL_ERROR"},
	FaultInternalError:      {2, "INTERNAL_ERROR"},
	FaultInternalErrorAfter: {2, "INTERNAL_ERROR"},
	FaultCancel:             {8, "CANCEL"},
	FaultCancelAfter:        {8, "CANCEL"},
	FaultCalm:               {11, "ENHANCE_YOUR_CALM"},
	FaultCalmAfter:          {11, "ENHANCE_YOUR_CALM"},
}

type resetCode struct {
	number uint32
	name   string
}

// streamReset imitates net/http's unexported error of a reset HTTP/2 stream,
// which errors.As copies into a struct of the same shape.
type streamReset resetCode

func (e streamReset) Error() string {
	return fmt.Sprintf("stream error: stream ID 1; %s; received from peer", e.name)
}

// As copies the error to a struct with the fields StreamID, Code and Cause.
func (e streamReset) As(target any) bool {
	to := reflect.ValueOf(target).Elem()
	if to.Kind() != reflect.Struct || to.NumField() != 3 {
		return false
	}
	from := reflect.ValueOf(struct {
		StreamID, Code uint32
		Cause          error
	}{1, e.number, errors.New("received from peer")})
	for i := range from.NumField() {
		if to.Type().Field(i).Name != from.Type().Field(i).Name || !from.Field(i).Type().ConvertibleTo(to.Field(i).Type()) {
			return false
		}
	}
	for i := range from.NumField() {
		to.Field(i).Set(from.Field(i).Convert(to.Field(i).Type()))
	}
	return true
}
