package hosts

import "errors"

// table is all the hosts. The order of an entry's members is the one in which
// the host's own command writes them, so that either way gives the same file.
var table = []*Host{
	{
		Name: "claude-code", Title: "Claude Code", check: "claude mcp list",
		format: jsonFormat{}, container: "mcpServers", project: ".mcp.json",
		paths: func(s System) []string {
			if dir := s.Getenv("CLAUDE_CONFIG_DIR"); dir != "" {
				return []string{s.join(dir, ".claude.json")}
			}
			return []string{s.home(".claude.json")}
		},
		markers:  func(s System) []string { return []string{s.home(".claude")} },
		programs: []string{"claude"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "type", value: "http"}, {name: "url", value: s.URL}}, bearer("headers", "Bearer ${%s}", s)...), nil
			}
			return append(entry{{name: "type", value: "stdio"}}, append(command(s), field{name: "env", value: entry{}, optional: true})...), nil
		},
	},
	{
		Name: "claude-desktop", Title: "Claude Desktop",
		format: jsonFormat{}, container: "mcpServers",
		paths:   func(s System) []string { return []string{s.config("Claude", "claude_desktop_config.json")} },
		markers: func(s System) []string { return []string{s.config("Claude")} },
		entry: func(s Server) (entry, error) {
			if s.URL == "" {
				return command(s), nil
			}
			args := []string{"-y", "mcp-remote", s.URL}
			if s.KeyVariable != "" {
				args = append(args, "--header", "Authorization: Bearer ${"+s.KeyVariable+"}")
			}
			return entry{{name: "command", value: "npx"}, {name: "args", value: args}}, nil
		},
		notes: func(s Server) []string {
			all := []string{"Claude Desktop does not pass your shell's variables on: settings go into flags, or into \"env\" of the entry."}
			if s.URL != "" {
				all = append(all, "Its file takes no URL, so the entry starts mcp-remote with npx, which needs Node.js.")
			}
			return all
		},
	},
	{
		Name: "vscode", Title: "Visual Studio Code",
		format: jsonFormat{}, container: "servers", project: ".vscode/mcp.json",
		paths:    func(s System) []string { return []string{s.config("Code", "User", "mcp.json")} },
		markers:  func(s System) []string { return []string{s.config("Code", "User")} },
		programs: []string{"code"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "type", value: "http"}, {name: "url", value: s.URL}}, bearer("headers", "Bearer ${env:%s}", s)...), nil
			}
			return append(entry{{name: "type", value: "stdio"}}, command(s)...), nil
		},
	},
	{
		Name: "cursor", Title: "Cursor",
		format: jsonFormat{}, container: "mcpServers", project: ".cursor/mcp.json",
		paths:    func(s System) []string { return []string{s.home(".cursor", "mcp.json")} },
		markers:  func(s System) []string { return []string{s.home(".cursor")} },
		programs: []string{"cursor", "cursor-agent"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "url", value: s.URL}}, bearer("headers", "Bearer ${env:%s}", s)...), nil
			}
			return command(s), nil
		},
	},
	{
		Name: "windsurf", Title: "Windsurf",
		format: jsonFormat{}, container: "mcpServers",
		paths:    func(s System) []string { return []string{s.home(".codeium", "windsurf", "mcp_config.json")} },
		markers:  func(s System) []string { return []string{s.home(".codeium", "windsurf")} },
		programs: []string{"windsurf"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "serverUrl", value: s.URL}}, bearer("headers", "Bearer ${env:%s}", s)...), nil
			}
			return command(s), nil
		},
	},
	{
		Name: "codex", Title: "Codex", check: "codex mcp list",
		format: tomlFormat{}, container: "mcp_servers", project: ".codex/config.toml",
		paths:    func(s System) []string { return []string{s.below("CODEX_HOME", ".codex", "config.toml")} },
		markers:  func(s System) []string { return []string{s.below("CODEX_HOME", ".codex")} },
		programs: []string{"codex"},
		entry: func(s Server) (entry, error) {
			// Without it, `codex exec` refuses every tool that writes.
			approve := field{name: "default_tools_approval_mode", value: "approve", optional: true}
			if s.URL == "" {
				return append(command(s), approve), nil
			}
			e := entry{{name: "url", value: s.URL}}
			if s.KeyVariable != "" {
				e = append(e, field{name: "bearer_token_env_var", value: s.KeyVariable})
			}
			return append(e, approve), nil
		},
		notes: func(s Server) []string {
			all := []string{"default_tools_approval_mode = \"approve\" lets Codex call tools that write without asking; `codex exec` refuses them otherwise. Take the line out to be asked."}
			if s.URL == "" {
				all = append(all, "Codex passes none of your shell's variables on to the server: settings go into flags, or into [mcp_servers."+s.Name+".env].")
			}
			return all
		},
	},
	{
		Name: "gemini", Title: "Gemini CLI", check: "gemini mcp list",
		format: jsonFormat{}, container: "mcpServers", project: ".gemini/settings.json",
		paths:    func(s System) []string { return []string{s.home(".gemini", "settings.json")} },
		markers:  func(s System) []string { return []string{s.home(".gemini")} },
		programs: []string{"gemini"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "url", value: s.URL}, {name: "type", value: "http"}}, bearer("headers", "Bearer $%s", s)...), nil
			}
			return command(s), nil
		},
		notes: func(s Server) []string {
			if s.URL != "" {
				return nil
			}
			return []string{"Gemini CLI does not pass POLT_API_KEY on to the server: keep the key with polt-mcp auth login, or give --api-key-file."}
		},
	},
	{
		Name: "copilot", Title: "GitHub Copilot CLI", check: "copilot mcp list",
		format: jsonFormat{}, container: "mcpServers", project: ".github/mcp.json",
		paths: func(s System) []string {
			return []string{s.below("COPILOT_HOME", ".copilot", "mcp-config.json")}
		},
		markers:  func(s System) []string { return []string{s.home(".copilot")} },
		programs: []string{"copilot"},
		entry: func(s Server) (entry, error) {
			e := entry{{name: "tools", value: []string{"*"}, optional: true}}
			if s.URL != "" {
				return append(append(e, field{name: "type", value: "http"}, field{name: "url", value: s.URL}), bearer("headers", "Bearer ${%s}", s)...), nil
			}
			return append(append(e, field{name: "type", value: "local"}), command(s)...), nil
		},
		notes: func(Server) []string {
			return []string{"Copilot CLI shows a server's instructions to the model only with --allow-all-mcp-server-instructions."}
		},
	},
	{
		Name: "opencode", Title: "opencode", check: "opencode mcp list",
		format: jsonFormat{}, container: "mcp", project: "opencode.json",
		paths: func(s System) []string {
			return []string{s.xdg("opencode", "opencode.json"), s.xdg("opencode", "opencode.jsonc")}
		},
		markers:  func(s System) []string { return []string{s.xdg("opencode")} },
		programs: []string{"opencode"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "type", value: "remote"}, {name: "url", value: s.URL}}, bearer("headers", "Bearer {env:%s}", s)...), nil
			}
			return entry{{name: "type", value: "local"}, {name: "command", value: append([]string{s.Command}, s.Args...)}}, nil
		},
	},
	{
		Name: "qwen", Title: "Qwen Code", check: "qwen mcp list",
		format: jsonFormat{}, container: "mcpServers", project: ".qwen/settings.json",
		paths:    func(s System) []string { return []string{s.below("QWEN_HOME", ".qwen", "settings.json")} },
		markers:  func(s System) []string { return []string{s.below("QWEN_HOME", ".qwen")} },
		programs: []string{"qwen"},
		entry: func(s Server) (entry, error) {
			if s.URL != "" {
				return append(entry{{name: "httpUrl", value: s.URL}}, bearer("headers", "Bearer $%s", s)...), nil
			}
			return command(s), nil
		},
	},
	{
		Name: "cline", Title: "Cline",
		format: jsonFormat{}, container: "mcpServers",
		paths: func(s System) []string {
			if path := s.Getenv("CLINE_MCP_SETTINGS_PATH"); path != "" {
				return []string{path}
			}
			return []string{
				s.home(".cline", "data", "settings", "cline_mcp_settings.json"),
				s.config("Code", "User", "globalStorage", "saoudrizwan.claude-dev", "settings", "cline_mcp_settings.json"),
			}
		},
		markers: func(s System) []string {
			return []string{s.home(".cline"), s.config("Code", "User", "globalStorage", "saoudrizwan.claude-dev")}
		},
		programs: []string{"cline"},
		entry: func(s Server) (entry, error) {
			if s.URL == "" {
				return command(s), nil
			}
			if s.KeyVariable != "" {
				return nil, errors.New("Cline puts no variables into headers: leave --key-variable out, and add the header to its file yourself") //nolint:staticcheck // a product's name
			}
			return entry{{name: "type", value: "streamableHttp"}, {name: "url", value: s.URL}}, nil
		},
	},
	{
		Name: "zed", Title: "Zed",
		format: jsonFormat{}, container: "context_servers", project: ".zed/settings.json",
		paths: func(s System) []string {
			if s.OS == "windows" {
				return []string{s.config("Zed", "settings.json")}
			}
			return []string{s.xdg("zed", "settings.json")}
		},
		markers: func(s System) []string {
			if s.OS == "windows" {
				return []string{s.config("Zed")}
			}
			return []string{s.xdg("zed")}
		},
		programs: []string{"zed", "zeditor"},
		entry: func(s Server) (entry, error) {
			if s.URL == "" {
				return append(command(s), field{name: "env", value: entry{}, optional: true}), nil
			}
			if s.KeyVariable != "" {
				return nil, errors.New("Zed puts no variables into headers: leave --key-variable out, and add the header to its file yourself") //nolint:staticcheck // a product's name
			}
			return entry{{name: "url", value: s.URL}}, nil
		},
	},
	{
		Name: "goose", Title: "Goose",
		format: yamlFormat{}, container: "extensions",
		paths: func(s System) []string {
			if s.OS == "windows" {
				return []string{s.config("Block", "goose", "config", "config.yaml")}
			}
			return []string{s.xdg("goose", "config.yaml")}
		},
		programs: []string{"goose"},
		entry: func(s Server) (entry, error) {
			e := entry{{name: "enabled", value: true, optional: true}}
			if s.URL != "" {
				if s.KeyVariable != "" {
					return nil, errors.New("Goose keeps the values of headers itself: leave --key-variable out, and run goose configure") //nolint:staticcheck // a product's name
				}
				e = append(e, field{name: "type", value: "streamable_http"}, field{name: "name", value: s.Name}, field{name: "uri", value: s.URL})
			} else {
				e = append(e, field{name: "type", value: "stdio"}, field{name: "name", value: s.Name}, field{name: "cmd", value: s.Command}, field{name: "args", value: s.Args})
			}
			return append(e, field{name: "timeout", value: 300, optional: true}), nil
		},
	},
}
