package hosts

import (
	"fmt"
	"slices"
)

// command returns the members that most hosts start a server by.
func command(s Server) entry {
	return entry{{name: "command", value: s.Command}, {name: "args", value: s.Args}}
}

// bearer returns the headers that send the key, or nothing where none is sent.
// value is how the host writes the value of a variable.
func bearer(name, value string, s Server) entry {
	if s.KeyVariable == "" {
		return nil
	}
	return entry{{name: name, value: entry{{name: "Authorization", value: fmt.Sprintf(value, s.KeyVariable)}}}}
}

// transport are the members that say how a server is reached. Those of one way
// go when an entry changes to the other: some hosts refuse both together.
var (
	transport = []string{"command", "args", "cmd", "url", "httpUrl", "serverUrl", "uri", "type"}
	ofStdio   = []string{"env", "envs", "environment", "cwd"}
	ofHTTP    = []string{"headers", "http_headers", "env_http_headers", "bearer_token_env_var"}
)

// obsolete returns the members of an old entry that must go when it becomes e.
func (e entry) obsolete(old map[string]any, url string) []string {
	other := ofHTTP
	if url != "" {
		other = ofStdio
	}
	var all []string
	for _, name := range slices.Concat(transport, other) {
		if _, ok := old[name]; ok && !slices.ContainsFunc(e, func(f field) bool { return f.name == name }) {
			all = append(all, name)
		}
	}
	return all
}

// plain returns a value as a decoder returns it, so that both can be compared.
func plain(value any) any {
	switch v := value.(type) {
	case entry:
		m := map[string]any{}
		for _, f := range v {
			m[f.name] = plain(f.value)
		}
		return m
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	case int:
		return fmt.Sprint(v)
	}
	return value
}
