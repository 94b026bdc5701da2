package tools

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Why a tool is off, as an error tells it.
const (
	offReadOnly = "this server only reads (--read-only, POLT_READ_ONLY)"
	offOnly     = "it is not among the tools that were chosen (--tools, POLT_TOOLS)"
	offExcept   = "it was taken out (--exclude-tools, POLT_EXCLUDE_TOOLS)"
)

// choose returns why the tools are off that the options turn off, by name. It
// fails where the options name a tool that there is not, and where they leave
// none.
func choose(all []*definition, o Options) (off map[string]string, _ error) {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	for _, name := range slices.Concat(o.Only, o.Except) {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("tools: there is no tool %q: the tools are %s", name, strings.Join(names, ", "))
		}
	}
	off = map[string]string{}
	for _, d := range all {
		switch {
		case o.ReadOnly && !d.readOnly():
			off[d.Name] = offReadOnly
		case len(o.Only) > 0 && !slices.Contains(o.Only, d.Name):
			off[d.Name] = offOnly
		case slices.Contains(o.Except, d.Name):
			off[d.Name] = offExcept
		}
	}
	if len(off) == len(all) {
		return nil, errors.New("tools: --read-only, --tools and --exclude-tools leave no tool")
	}
	return off, nil
}

// misleads reports whether a text names a tool that is off, so that it would send
// a model where it cannot go.
func (d *definition) misleads(text string) bool {
	for name := range d.off {
		if strings.Contains(text, name) {
			return true
		}
	}
	return false
}
