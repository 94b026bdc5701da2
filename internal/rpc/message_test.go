package rpc

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var wires = []string{
	`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_task","arguments":{"task_id":"t-1"},"_meta":{"progressToken":1}}}`,
	`{"jsonrpc":"2.0","id":"a","method":"tools/list","params":null,"more":[{"id":2}]}`,
	` {"method":"ping" , "params" : {"_meta":null,"requestId":7,"task":{}}} `,
	`{"jsonrpc":"2.0","id":1,"result":{},"error":null}`,
	`{"jsonrpc":"2.0","method":"ping","Method":"tools/call"}`,
	`{"jsonrpc":"2.0","method":"ping","method":"tools/call"}`,
	`{"jsonrpc":"2.0","m\u0065thod":"ping","method":"tools/call"}`,
	`{"method":"a","params":{"name":"a"},"params":{"uri":"b"}}`,
	`{"method":"a","params":{"_META":{"progresstoken":1}}}`,
	"{\"method\":\"a\",\"param\u017f\":{\"name\":\"a\"}}",
	`{"method":"a","params":[]}`, `{"method":"a","params":7}`, `{"method":"a","params":{"_meta":"x"}}`,
	`{"params":{"name":1,"_meta":{"traceparent":"x"}}`, `null`, `7`, `[]`, ``, `{}`,
}

// checkWire compares how a plain message is decoded with encoding/json.
func checkWire(t testing.TB, raw []byte) (isPlain bool) {
	t.Helper()
	got, isPlain := plainWire(raw)
	if !isPlain {
		return false
	}
	var want wire
	if err := json.Unmarshal(raw, &want); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s is\n%+v, and not\n%+v, %v", raw, got, want, err)
	}
	return true
}

func TestPlainMessagesAreDecodedAsEncodingJSONWould(t *testing.T) {
	plain := 0
	for _, raw := range wires {
		if checkWire(t, []byte(raw)) {
			plain++
		}
	}
	if plain != 5 {
		t.Errorf("%d messages are plain, and not 5", plain)
	}
}

// objectOf returns an object with a member for each field of a struct.
func objectOf(t reflect.Type) string {
	var members []string
	for f := range t.Fields() {
		value := `"` + f.Name + `"`
		if f.Type.Kind() == reflect.Struct {
			value = objectOf(f.Type)
		}
		members = append(members, `"`+f.Tag.Get("json")+`":`+value)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestEveryMemberIsDecoded(t *testing.T) {
	if !checkWire(t, []byte(objectOf(reflect.TypeFor[wire]()))) {
		t.Error("a message with every member is not plain")
	}
}

func FuzzPlainMessages(f *testing.F) {
	for _, raw := range wires {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { checkWire(t, raw) })
}
