package hosts

import (
	"maps"
	"slices"
	"strings"
)

// Servers returns the servers in a host's file that are this program's, in the
// order of their names: those that start it, and those called so.
func (h *Host) Servers(src []byte) ([]Server, error) {
	_, _, doc, err := h.read(src)
	if err != nil {
		return nil, err
	}
	servers, _ := doc[h.container].(map[string]any)
	var all []Server
	for _, name := range slices.Sorted(maps.Keys(servers)) {
		e, ok := servers[name].(map[string]any)
		if !ok {
			continue
		}
		s := decoded(name, e)
		if isOurs(s.Command) || name == "polt" || strings.HasPrefix(name, "polt-") {
			all = append(all, s)
		}
	}
	return all, nil
}

// decoded returns the server that an entry describes, in any host's words.
func decoded(name string, e map[string]any) Server {
	s := Server{Name: name}
	for _, key := range []string{"url", "httpUrl", "serverUrl", "uri"} {
		if url, ok := e[key].(string); ok {
			s.URL = url
		}
	}
	for _, key := range []string{"command", "cmd", "args"} {
		switch v := e[key].(type) {
		case string:
			s.Command = v
		case []any:
			for _, item := range v {
				word, _ := item.(string)
				if s.Command == "" {
					s.Command = word
				} else {
					s.Args = append(s.Args, word)
				}
			}
		}
	}
	return s
}

// isOurs reports whether a command is this program, on any system.
func isOurs(command string) bool {
	command = strings.ToLower(command[strings.LastIndexAny(command, `/\`)+1:])
	return strings.TrimSuffix(command, ".exe") == "polt-mcp"
}
