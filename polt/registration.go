package polt

import (
	"bytes"
	"encoding/json"
)

// byteOrderMark is what some servers write in front of UTF-8.
var byteOrderMark = []byte("\ufeff")

// salvage returns the answer to a registration as a JSON object, whatever is
// around or missing of it, as long as the key is in it: nobody will be given
// that key again. It returns the body as it is where no key is found.
func salvage(body []byte) (_ []byte, found bool) {
	var top map[string]json.RawMessage
	if json.Valid(body) { // whatever it is, it is passed on as it is
		return body, json.Unmarshal(body, &top) == nil && isKey(top["api_key"])
	}
	// An object in other text, such as a warning that was printed before it.
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
	// A part of one.
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

// memberIn returns the text that a member has somewhere in text that is not
// JSON as a whole, or nil.
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
