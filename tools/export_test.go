package tools

import "encoding/json"

// Inferred returns the schemas of each tool, as they are made of the types.
func Inferred() (map[string][2]json.RawMessage, error) {
	all := map[string][2]json.RawMessage{}
	for _, d := range allTools() {
		if err := checkInputSchema(d.form().input); err != nil {
			return nil, err
		}
		input, err := json.Marshal(d.form().input)
		if err != nil {
			return nil, err
		}
		output, err := json.Marshal(d.form().output)
		if err != nil {
			return nil, err
		}
		all[d.Name] = [2]json.RawMessage{input, output}
	}
	return all, nil
}
