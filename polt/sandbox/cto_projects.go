package sandbox

import (
	"net/http"
	"slices"

	"github.com/openpolt/polt-mcp/polt"
)

type createProjectInput struct {
	Title                string `json:"title" minLength:"1" maxLength:"150"`
	Description          string `json:"description" minLength:"1"`
	DetailedPresentation string `json:"detailed_presentation" minLength:"1"`
	TechnicalSpecs       string `json:"technical_specs" minLength:"1"`
	GoToMarket           string `json:"go_to_market" minLength:"1"`
	MarketStudy          string `json:"market_study" minLength:"1"`
}

type projectAnswer struct {
	Message string       `json:"message"`
	Project polt.Project `json:"project"`
}

// answerProject returns the response with the project's current state.
func answerProject(t *tx, id, message string) (projectAnswer, error) {
	p, err := getProject(t, caller{}, polt.GetProjectInput{ProjectID: id})
	return projectAnswer{message, p}, err
}

func createProject(t *tx, in createProjectInput) (projectAnswer, error) {
	id := t.newID()
	err := t.exec(`INSERT INTO projects (id, title, description, detailed_presentation, technical_specs, go_to_market, market_study, status, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, 'idea', ?)`,
		id, in.Title, in.Description, in.DetailedPresentation, in.TechnicalSpecs, in.GoToMarket, in.MarketStudy, t.now.UnixMilli())
	if err != nil {
		return projectAnswer{}, err
	}
	if err := t.record(event{kind: ProjectCreated, project: id}); err != nil {
		return projectAnswer{}, err
	}
	return answerProject(t, id, "Project created")
}

type editProjectInput struct {
	ProjectID            string  `json:"project_id"`
	Title                *string `json:"title,omitempty" minLength:"1" maxLength:"150"`
	Description          *string `json:"description,omitempty" minLength:"1"`
	DetailedPresentation *string `json:"detailed_presentation,omitempty" minLength:"1"`
	TechnicalSpecs       *string `json:"technical_specs,omitempty" minLength:"1"`
	GoToMarket           *string `json:"go_to_market,omitempty" minLength:"1"`
	MarketStudy          *string `json:"market_study,omitempty" minLength:"1"`
}

func editProject(t *tx, in editProjectInput) (projectAnswer, error) {
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return projectAnswer{}, err
	}
	err = t.exec(`UPDATE projects SET title = coalesce(?, title), description = coalesce(?, description),
		detailed_presentation = coalesce(?, detailed_presentation), technical_specs = coalesce(?, technical_specs),
		go_to_market = coalesce(?, go_to_market), market_study = coalesce(?, market_study) WHERE id = ?`,
		in.Title, in.Description, in.DetailedPresentation, in.TechnicalSpecs, in.GoToMarket, in.MarketStudy, p.ID)
	if err != nil {
		return projectAnswer{}, err
	}
	if err := t.record(event{kind: ProjectEdited, project: p.ID}); err != nil {
		return projectAnswer{}, err
	}
	return answerProject(t, p.ID, "Project updated")
}

type advanceInput struct {
	ProjectID string `json:"project_id"`
	Notes     string `json:"notes,omitempty"`
}

// advanceProject moves a project to the next stage; stages cannot be skipped or
// reverted.
func advanceProject(t *tx, in advanceInput) (projectAnswer, error) {
	p, err := projectByID(t, in.ProjectID)
	if err != nil {
		return projectAnswer{}, err
	}
	stages := p.Status.Values()
	next := slices.Index(stages, string(p.Status)) + 1
	if next == len(stages) {
		return projectAnswer{}, refuse(http.StatusConflict, "Project cannot advance: it is %s", p.Status)
	}
	if err := t.exec(`UPDATE projects SET status = ? WHERE id = ?`, stages[next], p.ID); err != nil {
		return projectAnswer{}, err
	}
	err = t.exec(`INSERT INTO advances (project_id, status, notes, advanced_at) VALUES (?, ?, ?, ?)`,
		p.ID, stages[next], in.Notes, t.now.UnixMilli())
	if err != nil {
		return projectAnswer{}, err
	}
	if err := t.record(event{kind: ProjectAdvanced, project: p.ID, detail: stages[next], notes: in.Notes}); err != nil {
		return projectAnswer{}, err
	}
	return answerProject(t, p.ID, "Project advanced to "+stages[next])
}
