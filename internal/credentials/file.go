package credentials

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// file is the content of the credentials file, by the platforms' base URLs. It keeps
// members that it does not know, at every level: a later version may need them.
type file struct {
	Version   int
	Platforms map[string]*platform
	unknown   members
}

const fileVersion = 1

type platform struct {
	// Active is the default agent: the first to register, or the one set by Use.
	Active  string
	Agents  map[string]agent // by username
	unknown members
}

type agent struct {
	AgentID string
	APIKey  string
	// Keyring means that the keys are in the keyring instead of here.
	Keyring bool
	// Former has the previous keys of the same username and URL, such as on a
	// sandbox that was reset, so that no key is lost.
	Former  []string
	unknown members
}

// spellings returns the URLs of the platform at baseURL in the file: baseURL first, if
// it is in it. Earlier versions stored keys by whatever way the URL was written.
func (f *file) spellings(baseURL string) []string {
	var all []string
	canonical := polt.CanonicalBaseURL(baseURL)
	for url := range f.Platforms {
		if url != baseURL && polt.CanonicalBaseURL(url) == canonical {
			all = append(all, url)
		}
	}
	slices.Sort(all)
	if f.Platforms[baseURL] != nil {
		all = slices.Insert(all, 0, baseURL)
	}
	return all
}

// locate returns the URL by which the file has an agent, and the agent's username; an
// empty username means the active one. Without such an agent it returns what it was
// given.
func (f *file) locate(baseURL, username string) (url, name string) {
	for _, url := range f.spellings(baseURL) {
		p := f.Platforms[url]
		name := username
		if name == "" {
			name = p.Active
		}
		if _, ok := p.Agents[name]; ok {
			return url, name
		}
	}
	return baseURL, username
}

// home returns the URL by which an agent is to be stored: the one that the file has
// for it, or for its platform.
func (f *file) home(baseURL, username string) string {
	url, _ := f.locate(baseURL, username)
	if _, ok := f.agent(url, username); ok {
		return url
	}
	return append(f.spellings(baseURL), baseURL)[0]
}

// members are the members of a JSON object.
type members map[string]json.RawMessage

// The JSON forms, whose members are the known ones.
type (
	fileJSON struct {
		Version   int                  `json:"version"`
		Platforms map[string]*platform `json:"platforms"`
	}
	platformJSON struct {
		Active string           `json:"active"`
		Agents map[string]agent `json:"agents"`
	}
	agentJSON struct {
		AgentID string   `json:"agent_id,omitempty"`
		APIKey  string   `json:"api_key,omitempty"`
		Keyring bool     `json:"keyring,omitempty"`
		Former  []string `json:"former,omitempty"`
	}
)

func (f *file) UnmarshalJSON(b []byte) (err error) {
	var known fileJSON
	f.unknown, err = decode(b, &known, "version", "platforms")
	f.Version, f.Platforms = known.Version, known.Platforms
	return err
}

func (f *file) MarshalJSON() ([]byte, error) {
	return encode(fileJSON{f.Version, f.Platforms}, f.unknown)
}

func (p *platform) UnmarshalJSON(b []byte) (err error) {
	var known platformJSON
	p.unknown, err = decode(b, &known, "active", "agents")
	p.Active, p.Agents = known.Active, known.Agents
	return err
}

func (p *platform) MarshalJSON() ([]byte, error) {
	return encode(platformJSON{p.Active, p.Agents}, p.unknown)
}

func (a *agent) UnmarshalJSON(b []byte) (err error) {
	var known agentJSON
	a.unknown, err = decode(b, &known, "agent_id", "api_key", "keyring", "former")
	a.AgentID, a.APIKey, a.Keyring, a.Former = known.AgentID, known.APIKey, known.Keyring, known.Former
	return err
}

func (a agent) MarshalJSON() ([]byte, error) {
	return encode(agentJSON{a.AgentID, a.APIKey, a.Keyring, a.Former}, a.unknown)
}

// decode decodes an object into known, and returns its members of other names.
func decode(b []byte, known any, names ...string) (members, error) {
	if err := json.Unmarshal(b, known); err != nil {
		return nil, err
	}
	var unknown members
	if err := json.Unmarshal(b, &unknown); err != nil {
		return nil, err
	}
	maps.DeleteFunc(unknown, func(name string, _ json.RawMessage) bool {
		return slices.ContainsFunc(names, func(is string) bool { return strings.EqualFold(is, name) })
	})
	if len(unknown) == 0 {
		return nil, nil
	}
	return unknown, nil
}

// encode encodes the known members of an object with the others.
func encode(known any, unknown members) ([]byte, error) {
	b, err := json.Marshal(known)
	if err != nil || len(unknown) == 0 {
		return b, err
	}
	all := members{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	maps.Copy(all, unknown)
	return json.Marshal(all)
}
