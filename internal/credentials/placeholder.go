package credentials

import (
	"regexp"
	"strings"
	"sync"
)

// unexpanded matches what a host passes on for a variable that is not set.
var unexpanded = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\$\{?[A-Za-z_][A-Za-z0-9_]*(:-?[^}]*)?\}?|\{env:[^}]*\}|\{\{[^{}]*\}\}|\$\{(env|input):[^}]*\}|%[A-Za-z_]+%)$`)
})

// example matches what documents write where a key belongs, beside polt_...
var example = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(<.*>|\[.*\]|polt_x+|.*your[-_ ]?(polt[-_ ]?)?(api[-_ ]?)?key.*)$`)
})

// Unexpanded reports whether a value is the text of a variable that an MCP
// host passed on as it stands in its configuration, such as ${POLT_API_KEY}.
func Unexpanded(value string) bool {
	return value != "" && unexpanded().MatchString(value)
}

// Placeholder says what a text is that stands where a key belongs, or is "" where
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
