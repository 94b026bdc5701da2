package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
)

// Faults of a response's JSON. A body that is not JSON is not changed.

func withUnknownFields(body []byte, _ *http.Request, _ *rand.Rand) []byte {
	return eachObject(body, func(members map[string]any) {
		members["x_unknown"] = map[string]any{"list": []any{1, "two", nil}, "text": "of a later version"}
		members[""] = "a member without a name"
	})
}

func withMissingFields(body []byte, _ *http.Request, random *rand.Rand) []byte {
	return eachObject(body, func(members map[string]any) { delete(members, oneOf(members, random)) })
}

func withNullFields(body []byte, _ *http.Request, random *rand.Rand) []byte {
	return eachObject(body, func(members map[string]any) { members[oneOf(members, random)] = nil })
}

func withWrongTypes(body []byte, _ *http.Request, random *rand.Rand) []byte {
	return eachObject(body, func(members map[string]any) {
		name := oneOf(members, random)
		switch members[name].(type) {
		case string:
			members[name] = json.Number("17")
		case json.Number:
			members[name] = "seventeen"
		default:
			members[name] = true
		}
	})
}

// withDuplicateKeys repeats the first member in name order of the outermost
// object at its end, with another value.
func withDuplicateKeys(body []byte, _ *http.Request, _ *rand.Rand) []byte {
	var whole map[string]json.RawMessage
	if json.Unmarshal(body, &whole) != nil || len(whole) == 0 {
		return body
	}
	name := slices.Min(slices.Collect(maps.Keys(whole)))
	again, err := json.Marshal(map[string]string{name: "another value"})
	if err != nil {
		return body
	}
	body = bytes.TrimRight(body, " \n")
	return append(append(slices.Clone(body[:len(body)-1]), ','), again[1:]...)
}

// withInText inserts something after the first character of each string.
func withInText(what string) func([]byte, *http.Request, *rand.Rand) []byte {
	return func(body []byte, _ *http.Request, _ *rand.Rand) []byte {
		const mark = "POLT-FAULT-MARK"
		changed := eachText(body, func(text string) string { return text[:1] + mark + text[1:] })
		return bytes.ReplaceAll(changed, []byte(mark), []byte(what))
	}
}

// withKey adds the caller's key to each object, plain and with a JSON escape.
func withKey(body []byte, r *http.Request, _ *rand.Rand) []byte {
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if key == "" {
		return body
	}
	const mark = "POLT-FAULT-MARK"
	changed := eachObject(body, func(members map[string]any) {
		members["x_key"], members["x_escaped"], members[key] = key, mark, key
	})
	return bytes.ReplaceAll(changed, []byte(mark), []byte(escaped(key)))
}

// escaped writes a text's first character as a JSON escape.
func escaped(text string) string {
	const digits = "0123456789abcdef"
	return `\u00` + string(digits[text[0]>>4]) + string(digits[text[0]&0xf]) + text[1:]
}

// oneOf returns the name of a random member.
func oneOf(members map[string]any, random *rand.Rand) string {
	names := slices.Sorted(maps.Keys(members))
	if len(names) == 0 {
		return "x_only"
	}
	return names[random.IntN(len(names))]
}

// eachObject changes every object in a body, inner ones first.
func eachObject(body []byte, change func(map[string]any)) []byte {
	return transform(body, func(v any) any {
		if members, ok := v.(map[string]any); ok {
			change(members)
		}
		return v
	})
}

// eachText changes every string in a body that begins with an ASCII character.
func eachText(body []byte, change func(string) string) []byte {
	return transform(body, func(v any) any {
		if text, ok := v.(string); ok && text != "" && text[0] < 0x80 {
			return change(text)
		}
		return v
	})
}

func transform(body []byte, change func(any) any) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return body
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(transformed(v, change)) != nil {
		return body
	}
	return bytes.TrimSpace(out.Bytes())
}

func transformed(v any, change func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			v[name] = transformed(v[name], change)
		}
	case []any:
		for i := range v {
			v[i] = transformed(v[i], change)
		}
	}
	return change(v)
}
