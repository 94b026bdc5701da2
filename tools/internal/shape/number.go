package shape

import (
	"bytes"

	"github.com/openpolt/polt-mcp/internal/object"
)

func (p *shaper) number() error {
	start := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case '0' <= c && c <= '9', c == '+', c == '-', c == '.', c == 'e', c == 'E':
			p.at++
			continue
		}
		break
	}
	if !object.IsNumber(p.src[start:p.at]) {
		return errNotJSON
	}
	p.out = append(p.out, p.src[start:p.at]...)
	return nil
}

// A Kind is a kind of JSON value.
type Kind string

// The kinds of [Options.Types].
const (
	String  Kind = "string"
	Number  Kind = "number"
	Integer Kind = "integer"
	Boolean Kind = "boolean"
	Object  Kind = "object"
	Objects Kind = "objects" // an array of objects
)

// fits reports whether a valid JSON value is of the kind. onlyObjects says
// whether an array contains objects only.
func (k Kind) fits(value []byte, onlyObjects bool) bool {
	c := value[0]
	switch k {
	case String:
		return c == '"'
	case Boolean:
		return c == 't' || c == 'f'
	case Object:
		return c == '{'
	case Objects:
		return c == '[' && onlyObjects
	}
	isNumber := c == '-' || '0' <= c && c <= '9'
	return isNumber && (k == Number || !bytes.ContainsAny(value, ".eE"))
}
