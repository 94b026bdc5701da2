package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/openpolt/polt-mcp/internal/hosts"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"One of ${enum}."`
}

// scripts make each shell call this program for candidates.
var scripts = map[string]string{
	// bash splits words at = and :, and expects only the part after them.
	"bash": `_polt_mcp() {
	local line=${COMP_LINE:0:COMP_POINT} words last c
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	last=${words[${#words[@]}-1]}
	COMPREPLY=()
	while IFS= read -r c; do
		[[ $c == *= ]] || c+=" "
		COMPREPLY+=("${c#"${last%"${last##*[=:]}"}"}")
	done < <(polt-mcp __complete -- "${words[@]:1}")
}
complete -o nospace -o bashdefault -F _polt_mcp polt-mcp
`,
	"zsh": `#compdef polt-mcp
_polt_mcp() { local -a c; c=(${(f)"$(polt-mcp __complete -- "${(@)words[2,CURRENT]}")"}); compadd -S '' -a c; }
compdef _polt_mcp polt-mcp
[[ $funcstack[1] != _polt-mcp ]] || _polt_mcp "$@" # loaded by the first completion
`,
	"fish": `complete -c polt-mcp -f -a '(polt-mcp __complete -- (commandline -opc)[2..-1] (commandline -ct))'
`,
}

// Help explains how to install the script.
func (*completionCommand) Help() string {
	return "For example: source <(polt-mcp completion bash)"
}

// Run prints the script.
func (c *completionCommand) Run(env *environment) error {
	_, err := io.WriteString(env.out, scripts[c.Shell])
	return err
}

// completeName is the command that the scripts call.
const completeName = "__complete"

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints completions of the last word, one per line.
func (c *completeCommand) Run(env *environment, parser *kong.Kong) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, candidate := range candidates(parser.Model, words[:len(words)-1], last) {
		if strings.HasPrefix(candidate, last) {
			_, _ = fmt.Fprintln(env.out, candidate)
		}
	}
	return nil
}

// candidates returns completions of last after the words before.
func candidates(model *kong.Application, before []string, last string) []string {
	node := model.Node
	var positional []string
	for _, w := range positionals(model, before) {
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == w }); i >= 0 && len(positional) == 0 {
			node = node.Children[i]
		} else {
			positional = append(positional, w)
		}
	}
	if strings.HasPrefix(last, "-") {
		if node.DefaultCmd != nil {
			node = node.DefaultCmd
		}
		var flags []string
		for _, group := range node.AllFlags(true) {
			for _, f := range group {
				flags = append(flags, flagCandidates(f)...)
			}
		}
		return flags
	}
	if len(node.Children) > 0 {
		var names []string
		for _, child := range node.Children {
			if !child.Hidden {
				names = append(names, child.Name)
			}
		}
		return names
	}
	switch node.Name {
	case "call":
		return toolCandidates(positional)
	case "install":
		return hosts.Names()
	case "completion":
		return []string{"bash", "fish", "zsh"}
	}
	return nil
}

// positionals returns the words that are neither flags nor their values.
func positionals(model *kong.Application, words []string) []string {
	var all []string
	for i := 0; i < len(words); i++ {
		switch {
		case words[i] == "--":
			return append(all, words[i+1:]...)
		case !strings.HasPrefix(words[i], "-"):
			all = append(all, words[i])
		case takesNext(model, words[i]):
			i++
		}
	}
	return all
}

// takesNext reports whether the word after a flag is its value.
func takesNext(model *kong.Application, word string) bool {
	for _, command := range model.Leaves(false) {
		for _, f := range command.Flags {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return !f.IsBool()
			}
		}
	}
	return false
}

// flagCandidates returns a flag, once per value if it is an enum.
func flagCandidates(f *kong.Flag) []string {
	if f.IsBool() {
		return []string{"--" + f.Name}
	}
	if f.Enum == "" {
		return []string{"--" + f.Name + "="}
	}
	var all []string
	for _, v := range strings.Split(f.Enum, ",") {
		all = append(all, "--"+f.Name+"="+v)
	}
	return all
}

// toolCandidates returns the tools, or the arguments of the given tool.
func toolCandidates(positional []string) []string {
	listed, err := listedTools(choiceFlags{})
	if err != nil {
		return nil
	}
	var all []string
	for _, t := range listed {
		if len(positional) == 0 {
			all = append(all, t.Name)
		} else if t.Name == positional[0] {
			all = argumentCandidates(t.RawInputSchema)
		}
	}
	return all
}

func argumentCandidates(schema json.RawMessage) []string {
	var s struct {
		Properties map[string]struct {
			Enum []string `json:"enum"`
		} `json:"properties"`
	}
	if json.Unmarshal(schema, &s) != nil {
		return nil
	}
	var all []string
	for name, p := range s.Properties {
		if len(p.Enum) == 0 {
			all = append(all, name+"=")
		}
		for _, v := range p.Enum {
			all = append(all, name+"="+v)
		}
	}
	slices.Sort(all)
	return all
}
