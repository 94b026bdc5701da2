package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/diff"

	"github.com/openpolt/polt-mcp/internal/hosts"
	"github.com/openpolt/polt-mcp/polt"
)

// installCommand adds this server to an MCP host's configuration.
type installCommand struct {
	Host        string `arg:"" optional:"" help:"The host: ${hosts}."`
	List        bool   `novariable:"" help:"List the hosts, which of them are installed, and which have this server."`
	Yes         bool   `novariable:"" short:"y" help:"Write without asking."`
	Uninstall   bool   `novariable:"" help:"Remove the server from the host's file."`
	Print       bool   `novariable:"" help:"Print the entry for the host's file and change nothing."`
	HTTP        string `novariable:"" name:"http" placeholder:"URL" help:"Connect to a running server at this URL, such as http://127.0.0.1:8080/mcp, instead of starting one."`
	KeyVariable string `novariable:"" placeholder:"NAME" help:"With --http: the environment variable from which the host takes the key to send."`
	Name        string `novariable:"" help:"The server's name in the host; polt by default, polt-sandbox with --sandbox."`
	Command     string `novariable:"" placeholder:"FILE" help:"The program for the host to start; this one by default."`
	Project     bool   `novariable:"" help:"Write the configuration of the project in this directory, instead of the user's."`
	File        string `novariable:"" placeholder:"FILE" help:"Write this file instead of the host's own."`

	stdioCommand `embed:"" group:"Settings of the server, which go into the host's file:"`
}

// Help returns the detailed help.
func (*installCommand) Help() string {
	return "For example: polt-mcp install claude-code --read-only"
}

// Run shows and makes the change.
func (c *installCommand) Run(env *environment, parser *kong.Kong) error {
	sys, err := hosts.ThisSystem(env.getenv)
	if err != nil {
		return err
	}
	if c.Host == "" || c.List {
		return listHosts(env, sys)
	}
	host, ok := hosts.Find(c.Host)
	if !ok {
		return fmt.Errorf("there is no host %q%s: %s", c.Host, didYouMean(c.Host, hosts.Names()), strings.Join(hosts.Names(), ", "))
	}
	server, err := c.server(env, parser)
	if err != nil {
		return err
	}
	if c.Print {
		text, err := host.Install(nil, server)
		if err != nil {
			return err
		}
		_, err = env.out.Write(text)
		return err
	}
	path, err := c.path(host, sys)
	if err != nil {
		return err
	}
	before, err := hosts.Read(path)
	if err != nil {
		return err
	}
	after, err := c.change(host, before, server)
	if err != nil {
		return c.byHand(env, host, path, server, err)
	}
	var notes []string
	if !c.Project && c.File == "" && !host.Installed(sys) {
		notes = append(notes, host.Title+" was not found on this machine. It uses the file once it is installed.")
	}
	return c.write(env, host, path, before, after, server, notes...)
}

func (c *installCommand) change(host *hosts.Host, before []byte, server hosts.Server) ([]byte, error) {
	if c.Uninstall {
		return host.Uninstall(before, server.Name)
	}
	return host.Install(before, server)
}

// byHand explains how to make the change by hand, for a file that is not
// changed.
func (c *installCommand) byHand(env *environment, host *hosts.Host, path string, server hosts.Server, err error) error {
	err = fmt.Errorf("%s is left as it is: %w", path, err)
	if c.Uninstall {
		return err
	}
	text, failed := host.Install(nil, server)
	if failed != nil {
		return err
	}
	_, _ = fmt.Fprintf(env.err, "%s needs in its configuration:\n\n%s\n", host.Title, text)
	return err
}

func (c *installCommand) path(host *hosts.Host, sys hosts.System) (string, error) {
	switch {
	case c.File != "":
		return filepath.Abs(c.File)
	case !c.Project:
		return host.Path(sys), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	path := host.ProjectPath(dir)
	if path == "" {
		return "", fmt.Errorf("%s has no configuration in projects: leave out --project", host.Title)
	}
	return path, nil
}

// write shows the change, asks for confirmation, makes it, and prints the
// notes.
func (c *installCommand) write(env *environment, host *hosts.Host, path string, before, after []byte, server hosts.Server, notes ...string) error {
	if bytes.Equal(before, after) {
		state := "already has"
		if c.Uninstall {
			state = "does not have"
		}
		_, err := fmt.Fprintf(env.out, "%s %s the server %s, in %s\n", host.Title, state, server.Name, path)
		return err
	}
	change := polt.RedactKeys(string(diff.Diff(path, before, path, after)))
	_, change, _ = strings.Cut(change, "\n") // drop its first line, a diff command that was not run
	if _, err := io.WriteString(env.out, change); err != nil {
		return err
	}
	if !c.Yes {
		if err := env.confirm("Write " + path + "?"); err != nil {
			return err
		}
	}
	backup, err := hosts.Write(path, before, after)
	if err != nil {
		return err
	}
	if backup != "" {
		backup = " The previous version is in " + backup
	}
	_, err = fmt.Fprintf(env.out, "Wrote %s.%s\n", path, backup)
	if c.Uninstall || err != nil {
		return err
	}
	notes = append(notes, host.Notes(server)...)
	if server.URL == "" && env.getenv("POLT_API_KEY") != "" {
		notes = append(notes, "POLT_API_KEY is set in this shell, and is not written into the file. The server finds a key that is stored with polt-mcp auth login, whatever the host passes on.")
	}
	if c.Local && c.DB == "" && server.URL == "" {
		notes = append(notes, "Each session has a sandbox of its own, which ends with it. To keep one: --db FILE.")
	}
	for _, note := range append(notes, host.Check()) {
		if _, err := fmt.Fprintln(env.out, "-", note); err != nil {
			return err
		}
	}
	return nil
}

// server returns the server that the flags describe.
func (c *installCommand) server(env *environment, parser *kong.Kong) (hosts.Server, error) {
	s := hosts.Server{Name: c.Name, URL: c.HTTP, KeyVariable: c.KeyVariable}
	if s.Name == "" {
		s.Name = "polt"
		if c.Local {
			s.Name = "polt-sandbox"
		}
	}
	if strings.ContainsFunc(s.Name, func(r rune) bool { return !isNameRune(r) }) {
		return s, fmt.Errorf("--name %q: use letters, digits, - and _", s.Name)
	}
	settings, err := serverSettings(parser)
	if err != nil {
		return s, err
	}
	if s.URL != "" {
		if u, err := url.Parse(s.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return s, errors.New("--http needs the URL of a server, such as http://127.0.0.1:8080/mcp, without a password in it")
		}
		if len(settings) > 0 {
			return s, fmt.Errorf("%s is for a server that the host starts: give it to the server at %s", settings[0], s.URL)
		}
		return s, nil
	}
	if s.KeyVariable != "" {
		return s, errors.New("--key-variable is for --http: over stdio the server reads POLT_API_KEY, or the key that is stored")
	}
	if _, err := listedTools(c.choiceFlags); err != nil {
		return s, err
	}
	if s.Command, err = c.program(); err != nil {
		return s, err
	}
	s.Args = append([]string{"stdio"}, settings...)
	return s, nil
}

func isNameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
}

// program returns the path of the program for the host to start. It is
// absolute, because graphical hosts lack the shell's PATH. A symlink on the
// PATH is preferred to its target: it survives an upgrade.
func (c *installCommand) program() (string, error) {
	if c.Command != "" {
		path, err := exec.LookPath(c.Command)
		if err != nil {
			return "", fmt.Errorf("--command: %w", err)
		}
		return filepath.Abs(path)
	}
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	if found, err := exec.LookPath("polt-mcp"); err == nil && (sameFile(found, self) || isTemporary(self)) {
		return filepath.Abs(found)
	}
	if isTemporary(self) {
		return "", errors.New("this program is a temporary build that go run deletes: run go install ./cmd/polt-mcp first, or give --command")
	}
	return self, nil
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// isTemporary reports whether a program was built by go run.
func isTemporary(path string) bool {
	return strings.Contains(filepath.ToSlash(path), "/go-build")
}

// inFiles are the flags whose values are paths, which must be absolute: a host
// starts the server in another directory.
var inFiles = map[string]bool{"api-key-file": true, "credentials": true, "ca-file": true, "db": true, "journal": true, "log-file": true}

// serverSettings returns the stdio flags that differ from their defaults,
// whether given or from the environment.
func serverSettings(parser *kong.Kong) ([]string, error) {
	var plain struct {
		Stdio stdioCommand `cmd:""`
	}
	defaults, err := newParser(&plain, &environment{getenv: func(string) string { return "" }, out: io.Discard, err: io.Discard})
	if err != nil {
		return nil, err
	}
	if _, err := defaults.Parse([]string{"stdio"}); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, f := range defaults.Model.Children[0].Flags {
		values[f.Name] = flagText(f)
	}
	var all []string
	for _, command := range parser.Model.Children {
		if command.Name != "install" {
			continue
		}
		for _, f := range command.Flags {
			value, ok := values[f.Name]
			is := flagText(f)
			switch {
			case !ok || is == value:
			case f.IsBool() && is == "true":
				all = append(all, "--"+f.Name)
			default:
				if inFiles[f.Name] {
					if is, err = filepath.Abs(is); err != nil {
						return nil, err
					}
				}
				all = append(all, "--"+f.Name+"="+is)
			}
		}
	}
	return all, nil
}

// flagText formats a flag's value for a command line.
func flagText(f *kong.Flag) string {
	v := f.Target
	if v.Kind().String() != "slice" {
		return fmt.Sprint(v.Interface())
	}
	items := make([]string, v.Len())
	for i := range items {
		items[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(items, ",")
}

// listHosts prints the known hosts, and which have this server.
func listHosts(env *environment, sys hosts.System) error {
	var rows [][]string
	for _, h := range hosts.All() {
		found := "no"
		if h.Installed(sys) {
			found = "yes"
		}
		rows = append(rows, []string{h.Name, found, configuredAs(h, sys), h.Path(sys)})
	}
	text := env.screen().table([]string{"HOST", "HERE", "SERVERS", "FILE"}, rows, nil)
	_, err := io.WriteString(env.out, text+"\nTo connect one: polt-mcp install HOST\n")
	return err
}

// configuredAs returns the names under which a host has this server.
func configuredAs(h *hosts.Host, sys hosts.System) string {
	src, err := hosts.Read(h.Path(sys))
	if err != nil {
		return "? (" + err.Error() + ")"
	}
	servers, err := h.Servers(src)
	if err != nil {
		return "? (" + err.Error() + ")"
	}
	var names []string
	for _, s := range servers {
		names = append(names, s.Name)
	}
	if len(names) == 0 {
		return "-"
	}
	return strings.Join(names, ", ")
}
