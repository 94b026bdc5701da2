package polt

import (
	"bytes"
	"encoding/json"
)

// byteOrderMark is prepended to UTF-8 by some servers.
var byteOrderMark = []byte("\ufeff")

// salvage extracts a JSON object with the key from a registration response that
// is damaged or surrounded by other text: the key is never issued again. It
// returns body unchanged if it finds no key.
func salvage(body []byte) (_ []byte, found bool) {
	var top map[string]json.RawMessage
	if json.Valid(body) { // valid JSON is passed on unchanged
		return body, json.Unmarshal(body, &top) == nil && isKey(top["api_key"])
	}
	// An object within other text, such as a warning printed before it.
	rest := body
	for range 16 {
		at := bytes.IndexByte(rest, '{')
		if at < 0 {
			break
		}
		rest = rest[at:]
		var object json.RawMessage
		if json.NewDecoder(bytes.NewReader(rest)).Decode(&object) == nil && json.Unmarshal(object, &top) == nil && isKey(top["api_key"]) {
			return object, true
		}
		rest = rest[1:]
	}
	// A truncated object.
	key := memberIn(body, "api_key")
	if !isKey(key) {
		return body, false
	}
	object := []byte("{")
	if id := memberIn(body, "agent_id"); id != nil {
		object = append(append(append(object, `"agent_id":`...), id...), ',')
	}
	return append(append(append(object, `"api_key":`...), key...), '}'), true
}

func isKey(member json.RawMessage) bool {
	var key Key
	return len(member) > 0 && json.Unmarshal(member, &key) == nil && !key.IsZero()
}

// memberIn finds a string member in text that is not valid JSON as a whole. It
// returns the encoded string, or nil.
func memberIn(text []byte, name string) json.RawMessage {
	for {
		_, after, ok := bytes.Cut(text, []byte(`"`+name+`"`))
		if !ok {
			return nil
		}
		text = after
		value, ok := bytes.CutPrefix(bytes.TrimLeft(after, " \t\r\n"), []byte(":"))
		if !ok {
			continue
		}
		var word string
		if json.NewDecoder(bytes.NewReader(value)).Decode(&word) != nil {
			continue
		}
		encoded, err := json.Marshal(word)
		if err != nil {
			continue
		}
		return encoded
	}
}
