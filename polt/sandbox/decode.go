package sandbox

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A rule is the validation of an input field, derived, like the published
// schemas, from its JSON name, type and tags.
type rule struct {
	name      string
	index     int
	inPath    bool
	required  bool
	isPointer bool
	isInteger bool
	enum      []string // nil for any
	minLength int
	maxLength int
	minimum   float64
	maximum   float64
}

// decoderOf returns the decoder of a route's input. A field named as a path
// placeholder is read from the path, the others from the query of a GET or the
// JSON body of any other method.
func decoderOf[In any](method, path string) func(*http.Request, json.RawMessage) (In, error) {
	var rules []rule
	inBody := false
	for field := range reflect.TypeFor[In]().Fields() {
		r := ruleOf(field)
		r.inPath = strings.Contains(path, "{"+r.name+"}")
		inBody = inBody || !r.inPath && method != http.MethodGet
		rules = append(rules, r)
	}
	return func(req *http.Request, body json.RawMessage) (in In, err error) {
		given, where := fromQuery(req.URL.Query()), "querystring"
		if inBody {
			if given, err = fromBody(body); err != nil {
				return in, err
			}
			where = "body"
		}
		v := reflect.ValueOf(&in).Elem()
		for _, r := range rules {
			field := v.Field(r.index)
			if r.inPath {
				field.SetString(req.PathValue(r.name))
				continue
			}
			if err := r.set(field, given, where); err != nil {
				return in, err
			}
		}
		return in, nil
	}
}

func ruleOf(f reflect.StructField) rule {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	r := rule{name: name, index: f.Index[0], required: options != "omitempty"}
	of := f.Type
	if r.isPointer = of.Kind() == reflect.Pointer; r.isPointer {
		of = of.Elem()
	}
	switch of.Kind() {
	case reflect.String:
	case reflect.Int, reflect.Int64:
		r.isInteger = true
	default:
		panic(fmt.Sprintf("sandbox: the field %s has a type that cannot be decoded: %s", f.Name, f.Type))
	}
	if e, ok := reflect.Zero(of).Interface().(interface{ Values() []string }); ok {
		r.enum = e.Values()
	}
	r.minLength = int(bound(f, "minLength", 0))
	r.maxLength = int(bound(f, "maxLength", math.MaxInt32))
	// Beyond 2⁵³ a float64 cannot represent every integer.
	r.minimum = bound(f, "minimum", -1<<53)
	r.maximum = bound(f, "maximum", 1<<53)
	return r
}

func bound(f reflect.StructField, tag string, none float64) float64 {
	text, ok := f.Tag.Lookup(tag)
	if !ok {
		return none
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(fmt.Sprintf("sandbox: the tag %s of the field %s is not a number", tag, f.Name))
	}
	return n
}

// values returns a member's JSON by name.
type values func(name string) (value json.RawMessage, ok bool)

// fromBody reads the members of a body, which must be an object.
func fromBody(body json.RawMessage) (values, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || members == nil {
		return nil, invalid("body must be object")
	}
	return func(name string) (json.RawMessage, bool) {
		value, ok := members[name]
		return value, ok
	}, nil
}

// fromQuery reads query parameters as JSON strings. A repeated one is an array,
// as in Fastify.
func fromQuery(query url.Values) values {
	return func(name string) (json.RawMessage, bool) {
		var given any = query[name]
		switch len(query[name]) {
		case 0:
			return nil, false
		case 1:
			given = query[name][0]
		}
		value, err := json.Marshal(given)
		return value, err == nil
	}
}

// set validates and sets a field. Without a value, an optional field is left
// unchanged.
func (r rule) set(field reflect.Value, given values, where string) error {
	value, ok := given(r.name)
	if !ok {
		if r.required {
			return invalid("%s must have required property '%s'", where, r.name)
		}
		return nil
	}
	if r.isPointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	var problem string
	if r.isInteger {
		problem = r.setInteger(field, value, where == "querystring")
	} else {
		problem = r.setString(field, value)
	}
	if problem != "" {
		return invalid("%s/%s must %s", where, r.name, problem)
	}
	return nil
}

func (r rule) setInteger(field reflect.Value, value json.RawMessage, fromText bool) (problem string) {
	if fromText {
		var text string
		if json.Unmarshal(value, &text) == nil {
			value = json.RawMessage(text)
		}
	}
	var n *float64
	if json.Unmarshal(value, &n) != nil || n == nil || *n != math.Trunc(*n) {
		return "be integer"
	}
	switch {
	case *n < r.minimum:
		return fmt.Sprintf("be >= %.0f", r.minimum)
	case *n > r.maximum:
		return fmt.Sprintf("be <= %.0f", r.maximum)
	case field.OverflowInt(int64(*n)): // on 32-bit platforms
		return "be integer"
	}
	field.SetInt(int64(*n))
	return ""
}

func (r rule) setString(field reflect.Value, value json.RawMessage) (problem string) {
	var s *string
	if json.Unmarshal(value, &s) != nil || s == nil {
		return "be string"
	}
	length := utf8.RuneCountInString(*s)
	switch {
	case r.enum != nil && !slices.Contains(r.enum, *s):
		return "be equal to one of the allowed values"
	case length < r.minLength || r.minLength > 0 && strings.TrimSpace(*s) == "":
		return fmt.Sprintf("NOT have fewer than %d characters", r.minLength)
	case length > r.maxLength:
		return fmt.Sprintf("NOT have more than %d characters", r.maxLength)
	case strings.ContainsRune(*s, 0):
		return `match pattern "^[^\u0000]*$"`
	}
	field.SetString(*s)
	return ""
}
