package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/internal/credentials"
	"github.com/openpolt/polt-mcp/polt"
)

// doctorCommand diagnoses problems.
type doctorCommand struct {
	authFlags
	Quick bool   `novariable:"" help:"Only check that the server on this machine is healthy, as a container's health check does."`
	Quiet bool   `novariable:"" help:"Print problems only."`
	JSON  bool   `help:"Print the findings as JSON."`
	Addr  string `default:"127.0.0.1:8080" help:"With --quick: where the server listens."`
	// The same flags as polt-mcp http, so that its variables apply here.
	AdminAddr string `placeholder:"ADDR" help:"With --quick: the server's --admin-addr, if it has one."`
	TLSCert   string `name:"tls-cert" placeholder:"FILE" help:"With --quick: the server's certificate, if it serves TLS."`
}

// Help returns the detailed help.
func (*doctorCommand) Help() string {
	return "Exits with 1 where something is broken (✗). It never prints a key."
}

// A verdict is the severity of a finding.
type verdict string

const (
	good   verdict = "ok"
	doubt  verdict = "warning"
	broken verdict = "error"
)

// sign returns the symbol of a verdict.
func (v verdict) sign() string {
	switch v {
	case good:
		return "✓"
	case doubt:
		return "!"
	}
	return "✗"
}

// A finding is the result of one check.
type finding struct {
	About   string  `json:"about"`
	Verdict verdict `json:"verdict"`
	Text    string  `json:"text"`
	Fix     string  `json:"fix,omitempty"` // what to do; empty if nothing
}

// findings are collected by the checks.
type findings []finding

func (f *findings) add(about string, v verdict, text, fix string) {
	*f = append(*f, finding{about, v, polt.RedactKeys(text), polt.RedactKeys(fix)})
}

// Run prints the findings. It fails if something is broken.
func (c *doctorCommand) Run(ctx context.Context, env *environment) error {
	var all findings
	if c.Quick {
		c.checkServer(ctx, &all)
	} else {
		checkProgram(&all)
		checkSettings(env, &all)
		c.checkPlatform(ctx, &all)
		c.checkKeys(ctx, env, &all)
		checkHosts(ctx, env, &all)
	}
	bad := slices.ContainsFunc(all, func(f finding) bool { return f.Verdict == broken })
	if err := c.print(env, all, !bad); err != nil {
		return err
	}
	if bad {
		return errReported
	}
	return nil
}

func (c *doctorCommand) print(env *environment, all findings, ok bool) error {
	if c.Quiet {
		all = slices.DeleteFunc(all, func(f finding) bool { return f.Verdict == good })
	}
	if c.JSON {
		enc := json.NewEncoder(env.out)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string]any{"ok": ok, "findings": append(findings{}, all...)})
	}
	about := ""
	for _, f := range all {
		if f.About != about {
			about = f.About
			if _, err := fmt.Fprintln(env.out, about); err != nil {
				return err
			}
		}
		line := "  " + f.Verdict.sign() + " " + f.Text
		if f.Fix != "" {
			line += "\n    → " + f.Fix
		}
		if _, err := fmt.Fprintln(env.out, line); err != nil {
			return err
		}
	}
	return nil
}

// checkProgram reports the program's version and location.
func checkProgram(all *findings) {
	self, err := os.Executable()
	if err != nil {
		self = err.Error()
	}
	all.add("Program", good, fmt.Sprintf("polt-mcp %s, %s", version(), self), "")
}

// secretVariables are the settings whose values are redacted.
var secretVariables = []string{"POLT_API_KEY", "POLT_CALLER_TOKEN", "POLT_CTO_KEY"}

// checkSettings reports the settings in the environment.
func checkSettings(env *environment, all *findings) {
	const about = "Settings"
	known := knownVariables(env)
	none := true
	for _, v := range slices.Sorted(slices.Values(os.Environ())) {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "POLT_") || value == "" {
			continue
		}
		none = false
		switch {
		case !slices.Contains(known, name):
			fix := "take it out: polt-mcp stdio --help names the settings"
			if like := nearest(name, known); like != "" {
				fix = "did you mean " + like + "?"
			}
			all.add(about, doubt, name+" is set, but polt-mcp has no such setting", fix)
		case slices.Contains(secretVariables, name):
			all.add(about, good, name+" is set (not shown)", "")
		default:
			all.add(about, good, name+"="+value, "")
		}
	}
	if none {
		all.add(about, good, "no POLT_… variable is set: the defaults apply", "")
	}
}

// checkKeys reports the keys and whose they are.
func (c *doctorCommand) checkKeys(ctx context.Context, env *environment, all *findings) {
	const about = "Keys"
	if c.Local && c.DB == "" {
		all.add(about, good, "a sandbox without --db has new agents each time", "")
		return
	}
	c.Timeout = min(c.Timeout, patience)
	b, err := c.open(ctx, env)
	if err != nil {
		all.add(about, broken, err.Error(), "")
		return
	}
	defer func() { _ = b.Close() }()
	s := b.status(ctx)
	who := s.ActingAs
	if who == "" {
		who = "an agent that POLT does not name"
	}
	const become = "polt-mcp auth register, or polt-mcp auth login with a key that you have"
	switch s.State {
	case keyValid:
		all.add(about, good, fmt.Sprintf("the key in %s is valid: polt-mcp acts as %s", strings.TrimPrefix(s.Source, "the "), who), "")
	case keyInvalid:
		all.add(about, broken, fmt.Sprintf("the key in %s is not valid: %s", strings.TrimPrefix(s.Source, "the "), s.Detail), "polt-mcp auth login with the right one")
	case keyUnknown:
		all.add(about, doubt, fmt.Sprintf("the key in %s could not be checked: %s", strings.TrimPrefix(s.Source, "the "), s.Detail), "")
	default:
		all.add(about, doubt, "no key: only the tools that need none work, until an agent registers", become)
	}
	for _, a := range s.Agents {
		if a.State == keyInvalid {
			all.add(about, doubt, "the stored key of "+a.Username+" is no longer valid", "polt-mcp auth logout "+a.Username)
		}
	}
	for _, w := range s.Warnings {
		all.add(about, doubt, w, "")
	}
	c.checkFile(b, s, all)
}

// checkFile reports where keys are stored.
func (c *doctorCommand) checkFile(b *keyBook, s authStatus, all *findings) {
	const about = "Keys"
	keyring := "there is no keyring here"
	if credentials.SystemKeyring().Available() {
		keyring = "new keys go into the keyring of the operating system"
		if c.Store == "file" {
			keyring = "new keys go into the file (--store)"
		}
	}
	state := fmt.Sprintf("%d agents", len(s.Agents))
	switch {
	case s.FileIs == "missing":
		state = "does not exist yet"
	case len(s.Agents) == 1:
		state = "1 agent"
	}
	all.add(about, good, fmt.Sprintf("credentials file %s: %s; %s", s.File, state, keyring), "")
	dir := s.File[:strings.LastIndexAny(s.File, `/\`)+1]
	if f, err := os.CreateTemp(existing(dir), ".polt-mcp-*"); err != nil {
		all.add(about, doubt, "a key cannot be stored there: "+err.Error(), "make the directory writable, or give --credentials FILE")
	} else {
		_ = errors.Join(f.Close(), os.Remove(f.Name()))
	}
}

// existing returns a path's nearest existing ancestor directory.
func existing(dir string) string {
	for dir != "" {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
		dir = strings.TrimRight(dir, `/\`)
		dir = dir[:strings.LastIndexAny(dir, `/\`)+1]
	}
	return "."
}
