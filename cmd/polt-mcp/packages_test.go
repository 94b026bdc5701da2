package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// readPackageFile reads a file by its path in the repository, as JSON or YAML.
func readPackageFile[T any](t *testing.T, path string) T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// A release is made of files that each name its version; [version] is the first.
func TestPackagesHaveTheVersionOfTheProgram(t *testing.T) {
	want := strings.TrimSuffix(version(), "-dev")
	mentions := regexp.MustCompile(`"version": "([^"]*)"|polt-mcp[@:]([0-9][^"}]*)|(?m:^ *(?:newTag|appVersion|version): "?([0-9][^"\n]*))`)
	for path, times := range map[string]int{
		".claude-plugin/plugin.json":           2,
		"gemini-extension.json":                2,
		"packaging/npm/package.json":           1,
		"packaging/mcpb/manifest.json":         1,
		"packaging/server.json":                3,
		"deploy/kubernetes/kustomization.yaml": 1,
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
		if err != nil {
			t.Fatal(err)
		}
		found := mentions.FindAllStringSubmatch(string(text), -1)
		if len(found) != times {
			t.Errorf("%s names a version %d times, not %d", path, len(found), times)
		}
		for _, m := range found {
			if got := m[1] + m[2] + m[3]; got != want {
				t.Errorf("%s has version %s, and the program %s", path, got, want)
			}
		}
	}
}

// started is how a package starts the server.
type started struct {
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env"`
}

func TestPackagesStartTheServer(t *testing.T) {
	type servers struct {
		MCPServers map[string]started `json:"mcpServers"`
		Settings   []struct {
			EnvVar string `json:"envVar"`
		} `json:"settings"`
	}
	for _, path := range []string{".claude-plugin/plugin.json", "gemini-extension.json"} {
		manifest := readPackageFile[servers](t, path)
		server := manifest.MCPServers["polt"]
		if len(server.Args) < 3 || server.Command != "npx" || server.Args[0] != "-y" {
			t.Errorf("%s: the server is %+v", path, server)
			continue
		}
		env := map[string]string{}
		for _, s := range manifest.Settings {
			env[s.EnvVar] = ""
		}
		checkStart(t, path, server.Args[2:], env)
	}
}

func TestBundleStartsTheServer(t *testing.T) {
	manifest := readPackageFile[struct {
		Server struct {
			MCPConfig started `json:"mcp_config"`
		} `json:"server"`
		UserConfig map[string]struct {
			Default  any  `json:"default"`
			Required bool `json:"required"`
		} `json:"user_config"`
	}](t, "packaging/mcpb/manifest.json")
	config := manifest.Server.MCPConfig
	used := 0
	for name, value := range config.Env {
		setting := strings.TrimSuffix(strings.TrimPrefix(value, "${user_config."), "}")
		c, ok := manifest.UserConfig[setting]
		if !ok {
			t.Errorf("%s is %s, which the user cannot set", name, value)
			continue
		}
		used++
		// Without a default the host passes the placeholder itself on.
		if c.Default == nil && !c.Required {
			t.Errorf("%s has no default", setting)
		}
		text, err := json.Marshal(c.Default)
		if err != nil {
			t.Fatal(err)
		}
		config.Env[name] = strings.Trim(string(text), `"`)
	}
	if used != len(manifest.UserConfig) {
		t.Errorf("%d of %d settings are used", used, len(manifest.UserConfig))
	}
	checkStart(t, "manifest.json", config.Args, config.Env)
}

func TestRegistryEntryStartsTheServer(t *testing.T) {
	entry := readPackageFile[struct {
		Packages []struct {
			RegistryType     string `json:"registryType"`
			PackageArguments []struct {
				Value string `json:"value"`
			} `json:"packageArguments"`
			EnvironmentVariables []struct {
				Name    string `json:"name"`
				Default string `json:"default"`
			} `json:"environmentVariables"`
		} `json:"packages"`
	}](t, "packaging/server.json")
	if len(entry.Packages) == 0 {
		t.Fatal("there are no packages")
	}
	for _, p := range entry.Packages {
		var args []string
		for _, a := range p.PackageArguments {
			args = append(args, a.Value)
		}
		env := map[string]string{}
		for _, v := range p.EnvironmentVariables {
			env[v.Name] = v.Default
		}
		checkStart(t, p.RegistryType, args, env)
	}
}

// checkStart checks that arguments and variables are ones that the command
// takes, by parsing them as it does.
func checkStart(t *testing.T, what string, args []string, env map[string]string) {
	t.Helper()
	var stderr bytes.Buffer
	asked := map[string]bool{"POLT_API_KEY": true} // it has no flag
	getenv := func(name string) string {
		asked[name] = true
		return env[name]
	}
	parser, err := newParser(&commands{}, &environment{getenv, nil, io.Discard, &stderr})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(args)
	if err != nil || stderr.Len() > 0 {
		t.Errorf("%s: %q: %v %s", what, args, err, &stderr)
		return
	}
	if parsed.Command() != "stdio" {
		t.Errorf("%s: %q is %s", what, args, parsed.Command())
	}
	for name := range env {
		if !asked[name] {
			t.Errorf("%s sets %s, which nothing reads", what, name)
		}
	}
}

// The schema is the MCP registry's own, of the version that the entry names.
func TestRegistryEntryFitsItsSchema(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "packages", "server.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	entry := readPackageFile[map[string]any](t, "packaging/server.json")
	url, _ := entry["$schema"].(string)
	if id := document.(map[string]any)["$id"]; id != url {
		t.Fatalf("the entry is for the schema %s, and the schema is %s", url, id)
	}
	if err := compiler.AddResource(url, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(url)
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(entry); err != nil {
		t.Error(err)
	}
	// The registry takes an npm package for this server's only if it says so.
	npm := readPackageFile[map[string]any](t, "packaging/npm/package.json")
	if npm["mcpName"] != entry["name"] {
		t.Errorf("the npm package is of the server %v, and the entry of %v", npm["mcpName"], entry["name"])
	}
}
