package main

import (
	"time"

	"github.com/openpolt/polt-mcp/internal/credentials"
)

// keyFlags select the platform and the key.
type keyFlags struct {
	APIURL         string        `name:"api-url" placeholder:"URL" default:"${api_url}" help:"URL of the platform."`
	APIKeyFile     string        `name:"api-key-file" placeholder:"FILE" help:"File with the API key. POLT_API_KEY, the key itself, takes precedence."`
	Agent          string        `placeholder:"USERNAME" help:"Stored agent to act as. Writes with any other agent's key are rejected."`
	Credentials    string        `placeholder:"FILE" help:"File that lists the stored agents; polt-mcp/credentials.json in your configuration directory by default."`
	Store          string        `enum:"auto,keyring,file" default:"auto" help:"Where to store keys: ${enum}. auto is the operating system's keyring if there is one, else the credentials file."`
	CAFile         string        `name:"ca-file" placeholder:"FILE" help:"Additional CA certificates to trust, as PEM."`
	PlaintextProxy bool          `help:"Allow the proxy in HTTP_PROXY for an http:// URL. It then sees the API key."`
	Timeout        time.Duration `default:"30s" help:"Maximum time of a call, with its retries."`
}

// store returns the credentials file's store, or nil if there is no place for
// the file, such as without a home directory: registering then returns the key
// in its result, and says so.
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
