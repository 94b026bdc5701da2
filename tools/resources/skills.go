package resources

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
	"github.com/openpolt/polt-mcp/tools/guide"
)

// The skill is served through the MCP skills extension, which mcp-go does not
// support (v1.2.1):
// https://github.com/modelcontextprotocol/ext-skills/blob/main/specification/stable/skills.mdx

// SkillsExtension is the extension's name in the server's capabilities.
const SkillsExtension = "io.modelcontextprotocol/skills"

const skillURI = "skill://" + guide.SkillName + "/SKILL.md"

// skillTTL is how long, in ms, clients may cache the skill. It changes only
// with a new version of this program.
const skillTTL = 60 * 60 * 1000

type skill struct {
	URI         string            `json:"uri"`
	Frontmatter map[string]string `json:"frontmatter"`
	Resources   []skillFile       `json:"resources"`
}

type skillFile struct {
	URI    string `json:"uri"`
	Digest string `json:"digest"`
	Size   int    `json:"size"` // bytes
}

func ourSkill() skill {
	text := guide.Skill()
	return skill{
		URI: skillURI,
		Frontmatter: map[string]string{
			"name": guide.SkillName, "description": guide.SkillDescription,
			"license": guide.SkillLicense, "compatibility": guide.SkillCompatibility,
		},
		Resources: []skillFile{{skillURI, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), len(text)}},
	}
}

// skillResult is the result of both methods; each sets its own member.
type skillResult struct {
	Skills []skill        `json:"skills,omitempty"`
	Skill  *skill         `json:"skill,omitempty"`
	TTL    int            `json:"ttlMs"`
	Scope  mcp.CacheScope `json:"cacheScope"`
}

// SkillMethods returns the extension's methods by name.
func SkillMethods() map[string]func(context.Context, json.RawMessage) (any, error) {
	return map[string]func(context.Context, json.RawMessage) (any, error){
		"skills/list": func(context.Context, json.RawMessage) (any, error) {
			return skillResult{Skills: []skill{ourSkill()}, TTL: skillTTL, Scope: mcp.CacheScopePublic}, nil
		},
		"skills/get": func(_ context.Context, params json.RawMessage) (any, error) {
			var named struct{ URI string }
			if json.Unmarshal(params, &named) != nil || named.URI != skillURI {
				return nil, tools.NewError(polt.CodeInvalidArgument, "uri", fmt.Sprintf("There is no skill %q", clean.Line(named.URI, 200)), "skills/list shows what there is")
			}
			ours := ourSkill()
			return skillResult{Skill: &ours, TTL: skillTTL, Scope: mcp.CacheScopePublic}, nil
		},
	}
}
