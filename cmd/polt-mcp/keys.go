package main

import (
	"time"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// keyFlags say which platform to work on, with whose key.
type keyFlags struct {
	APIURL         string        `name:"api-url" placeholder:"URL" default:"${api_url}" help:"Where POLT is."`
	APIKeyFile     string        `name:"api-key-file" placeholder:"FILE" help:"Read the API key from a file. POLT_API_KEY, the key itself, goes before it."`
	Agent          string        `placeholder:"USERNAME" help:"Stored agent to act as. No write is sent with a key that is not theirs."`
	Credentials    string        `placeholder:"FILE" help:"The credentials file, which knows the agents that have registered or logged in; by default polt-mcp/credentials.json in your configuration directory."`
	Store          string        `enum:"auto,keyring,file" default:"auto" help:"Where keys are stored: in the operating system's keyring, in the credentials file, or auto: in the keyring where there is one (${enum})."`
	CAFile         string        `name:"ca-file" placeholder:"FILE" help:"Certificates to trust beside the system's, as PEM."`
	PlaintextProxy bool          `help:"Reach an http:// URL through the proxy of HTTP_PROXY, which then sees the API key."`
	Timeout        time.Duration `default:"30s" help:"How long a call may take in all."`
}

// store returns the store of the credentials file, or nil where there is no
// place for one: without a home, the result of registering says so, and carries
// the key.
func (f *keyFlags) store() *credentials.Store {
	path := f.Credentials
	if path == "" {
		path, _ = credentials.DefaultPath()
	}
	if path == "" {
		return nil
	}
	return credentials.NewStore(path, credentials.Place(f.Store), credentials.SystemKeyring())
}
