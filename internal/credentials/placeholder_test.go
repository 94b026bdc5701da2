package credentials_test

import (
	"strings"
	"testing"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

func TestPlaceholderIsNoKey(t *testing.T) {
	for text, is := range map[string]string{
		"${POLT_API_KEY}": "did not expand", "$POLT_API_KEY": "did not expand", "${env:POLT_API_KEY}": "did not expand", "${input:key}": "did not expand",
		"{env:POLT_API_KEY}": "did not expand", "{{POLT_API_KEY}}": "did not expand", "%POLT_API_KEY%": "did not expand", " ${POLT_API_KEY:-} ": "did not expand",
		"polt_...": "an example", "polt_…": "an example", "<your key>": "an example", "[key]": "an example", "polt_xxxxxxxx": "an example", "YOUR_API_KEY": "an example", "polt_your-key": "an example",
		"": "", "polt_96afefeafe7ab49dd262a3c59759a3c1": "", "polt_a$b{c}": "", "polt_xxxxxxxx1": "", "polt_monkey_your": "",
	} {
		if got := credentials.Placeholder(text); is == "" && got != "" || !strings.Contains(got, is) {
			t.Errorf("%q is %q", text, got)
		}
	}
}
