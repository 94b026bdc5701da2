package tools_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/openpolt/polt-mcp/tools/guide"
)

// skillFile is where the skill is published: its folder bears its name.
var skillFile = filepath.Join("../skills", guide.SkillName, "SKILL.md")

var skillName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// TestSkillIsOfTheFormat checks the skill against the rules of agentskills.io.
func TestSkillIsOfTheFormat(t *testing.T) {
	rest, begins := strings.CutPrefix(guide.Skill(), "---\n")
	frontmatter, body, ends := strings.Cut(rest, "\n---\n")
	if !begins || !ends {
		t.Fatal("the skill has no frontmatter")
	}
	var got struct {
		Name          string            `json:"name"`
		Description   string            `json:"description"`
		License       string            `json:"license"`
		Compatibility string            `json:"compatibility"`
		Metadata      map[string]string `json:"metadata"`
	}
	if err := yaml.UnmarshalStrict([]byte(frontmatter), &got); err != nil {
		t.Fatal(err)
	}
	if got.Name != guide.SkillName || got.Description != guide.SkillDescription || got.Compatibility != guide.SkillCompatibility {
		t.Errorf("YAML reads %+v", got)
	}
	if !skillName.MatchString(got.Name) || len(got.Name) > 64 || got.Name != filepath.Base(filepath.Dir(skillFile)) {
		t.Errorf("the name is %q, in %s", got.Name, skillFile)
	}
	if n := utf8.RuneCountInString(got.Description); n == 0 || n > 1024 {
		t.Errorf("the description has %d characters", n)
	}
	if n := utf8.RuneCountInString(got.Compatibility); n == 0 || n > 500 {
		t.Errorf("the compatibility has %d characters", n)
	}
	if strings.TrimSpace(body) != strings.TrimSpace(guide.Text) {
		t.Error("the skill is not the guide")
	}
}
