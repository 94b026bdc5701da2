package tools_test

import (
	"encoding/json"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// conforms checks a value against a schema with a validator that is not ours.
func conforms(t *testing.T, schema, value json.RawMessage) {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(value, &v); err != nil {
		t.Fatalf("%v in %s", err, value)
	}
	if err := resolved.Validate(v); err != nil {
		t.Errorf("%s does not conform to its schema: %v", value, err)
	}
}
