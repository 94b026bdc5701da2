package credentials

import (
	"regexp"
	"strings"
	"sync"
)

// unexpanded matches a variable reference that a host did not expand.
var unexpanded = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\$\{?[A-Za-z_][A-Za-z0-9_]*(:-?[^}]*)?\}?|\{env:[^}]*\}|\{\{[^{}]*\}\}|\$\{(env|input):[^}]*\}|%[A-Za-z_]+%)$`)
})

// example matches the placeholders for a key in documentation, except polt_...
var example = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(<.*>|\[.*\]|polt_x+|.*your[-_ ]?(polt[-_ ]?)?(api[-_ ]?)?key.*)$`)
})

// Unexpanded reports whether a value is a variable reference that an MCP host
// passed on unexpanded from its configuration, such as ${POLT_API_KEY}.
func Unexpanded(value string) bool {
	return value != "" && unexpanded().MatchString(value)
}

// Placeholder describes a text that is a placeholder for a key, or returns "" if
// it may be a key.
func Placeholder(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
	case Unexpanded(text):
		return "the text of a variable that your MCP host did not expand"
	case strings.HasSuffix(text, "..."), strings.HasSuffix(text, "…"), example().MatchString(text):
		return "the placeholder of an example"
	}
	return ""
}
