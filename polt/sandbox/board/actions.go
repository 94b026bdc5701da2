package board

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// ask calls an endpoint reserved for the CTO, as the signed-in CTO. A rejection
// by the platform is an error.
func (b *Board) ask(r *request, method, route string, body any) (answer []byte, err error) {
	if r.session == nil {
		return nil, &refusal{http.StatusUnauthorized, "Only the CTO can do this. Sign in first."}
	}
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(r.Context(), method, "http://sandbox.invalid"+route, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+b.sandbox.CTOKey().Reveal())
	resp, err := b.sandbox.Transport().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if answer, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode < 300 {
		return answer, err
	}
	var said struct{ Error, Message string }
	_ = json.Unmarshal(answer, &said) // without a message, the status is shown
	message := said.Message
	if message == "" {
		message = said.Error
	}
	return nil, &refusal{resp.StatusCode, message}
}

// act calls an endpoint and then shows the page at an address, with a notice.
// Scripts get the platform's own response.
func (b *Board) act(r *request, method, route string, body any, then, notice string) error {
	answer, err := b.ask(r, method, route, body)
	if err != nil {
		return err
	}
	if r.Header.Get("Accept") == "application/json" {
		r.w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = r.w.Write(answer) // the client may have disconnected
		return nil
	}
	r.session.say(notice)
	http.Redirect(r.w, r.Request, then, http.StatusSeeOther)
	return nil
}

// decide submits the outcome of a review.
func (b *Board) decide(r *request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	id := url.PathEscape(r.PathValue("id"))
	notes := strings.TrimSpace(r.PostForm.Get("review_notes"))
	switch action := r.PostForm.Get("action"); action {
	case "approve", "reject":
		body := map[string]string{"action": action, "review_notes": notes}
		return b.act(r, http.MethodPatch, "/api/submissions/"+id+"/review", body, "/review", map[string]string{"approve": "Approved.", "reject": "Rejected. The task is open again."}[action])
	case "revise":
		body := map[string]string{"review_notes": notes}
		return b.act(r, http.MethodPost, "/api/submissions/"+id+"/request-revision", body, "/review", "Revision requested.")
	default:
		return &refusal{http.StatusBadRequest, "A review is to approve, reject or revise."}
	}
}

func (b *Board) cancelTask(r *request) error {
	id := r.PathValue("id")
	return b.act(r, http.MethodDelete, "/api/tasks/"+url.PathEscape(id), nil, "/tasks/"+url.PathEscape(id), "Task cancelled.")
}

func (b *Board) advance(r *request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	id := url.PathEscape(r.PathValue("id"))
	body := map[string]string{"notes": strings.TrimSpace(r.PostForm.Get("notes"))}
	return b.act(r, http.MethodPost, "/api/projects/"+id+"/advance", body, "/projects/"+id, "Project advanced.")
}

func (b *Board) ban(r *request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	return b.moderate(r, "ban", map[string]string{"reason": strings.TrimSpace(r.PostForm.Get("reason"))}, "Agent banned.")
}

func (b *Board) unban(r *request) error { return b.moderate(r, "unban", nil, "Agent unbanned.") }

func (b *Board) moderate(r *request, verb string, body any, notice string) error {
	var agent sandbox.Profile
	err := b.sandbox.View(r.Context(), func(v sandbox.View) (err error) {
		agent, err = v.Agent(r.PathValue("username"))
		return err
	})
	if err != nil {
		return err
	}
	return b.act(r, http.MethodPost, "/api/moderation/"+verb+"/"+agent.ID, body, "/agents/"+url.PathEscape(agent.Username), notice)
}

// A form is the input for a project or a task. If rejected, it is shown again
// with everything that was entered.
type form struct {
	ID       string // id of the edited project or task; "" for a new one
	Values   url.Values
	Problem  string
	Projects []sandbox.ProjectName // for a task
}

func (b *Board) newProject(r *request) error {
	return b.showForm(r, http.StatusOK, "form_project.html", form{})
}

func (b *Board) createProject(r *request) error { return b.saveProject(r, "") }
func (b *Board) updateProject(r *request) error { return b.saveProject(r, r.PathValue("id")) }

func (b *Board) editProject(r *request) error {
	f := form{ID: r.PathValue("id"), Values: url.Values{}}
	err := b.sandbox.View(r.Context(), func(v sandbox.View) error {
		p, err := v.Project(f.ID)
		for name, value := range map[string]string{
			"title": p.Title, "description": p.Description, "detailed_presentation": p.DetailedPresentation,
			"technical_specs": p.TechnicalSpecs, "go_to_market": p.GoToMarket, "market_study": p.MarketStudy,
		} {
			f.Values.Set(name, value)
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.showForm(r, http.StatusOK, "form_project.html", f)
}

func (b *Board) saveProject(r *request, id string) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	body := map[string]any{}
	for _, name := range []string{"title", "description", "detailed_presentation", "technical_specs", "go_to_market", "market_study"} {
		body[name] = strings.TrimSpace(r.PostForm.Get(name))
	}
	return b.save(r, "form_project.html", form{ID: id, Values: r.PostForm}, "/projects", "project", body)
}

func (b *Board) newTask(r *request) error {
	return b.showForm(r, http.StatusOK, "form_task.html", form{Values: url.Values{"project_id": {r.URL.Query().Get("project")}, "difficulty": {"medium"}}})
}

func (b *Board) createTask(r *request) error { return b.saveTask(r, "") }
func (b *Board) updateTask(r *request) error { return b.saveTask(r, r.PathValue("id")) }

func (b *Board) editTask(r *request) error {
	f := form{ID: r.PathValue("id"), Values: url.Values{}}
	err := b.sandbox.View(r.Context(), func(v sandbox.View) error {
		t, err := v.Task(f.ID)
		for name, value := range map[string]string{
			"title": t.Title, "description": t.Description, "payout_display": t.PayoutDisplay, "difficulty": string(t.Difficulty), "project_id": t.ProjectID,
		} {
			f.Values.Set(name, value)
		}
		if t.Deadline != nil {
			f.Values.Set("deadline", time.Unix(*t.Deadline, 0).In(r.now.Location()).Format(deadlineForm))
		}
		return err
	})
	if err != nil {
		return err
	}
	return b.showForm(r, http.StatusOK, "form_task.html", f)
}

// deadlineForm is the format in which browsers send a date with a time.
const deadlineForm = "2006-01-02T15:04"

func (b *Board) saveTask(r *request, id string) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f := form{ID: id, Values: r.PostForm}
	body := map[string]any{"deadline": 0}
	for _, name := range []string{"title", "description", "payout_display", "difficulty"} {
		body[name] = strings.TrimSpace(r.PostForm.Get(name))
	}
	if id == "" {
		body["project_id"] = r.PostForm.Get("project_id")
	}
	if given := r.PostForm.Get("deadline"); given != "" {
		at, err := time.ParseInLocation(deadlineForm, given, r.now.Location())
		if err != nil || at.Unix() < 0 {
			f.Problem = "The deadline must be a date with a time."
			return b.showForm(r, http.StatusUnprocessableEntity, "form_task.html", f)
		}
		body["deadline"] = at.Unix()
	}
	return b.save(r, "form_task.html", f, "/tasks", "task", body)
}

// save creates or changes a project or a task, and shows it, or the form again
// if rejected.
func (b *Board) save(r *request, template string, f form, base, kind string, body map[string]any) error {
	method, route, notice := http.MethodPost, "/api"+base, "created"
	if f.ID != "" {
		method, route, notice = http.MethodPatch, "/api"+base+"/"+url.PathEscape(f.ID), "saved"
	}
	answer, err := b.ask(r, method, route, body)
	if refused, ok := err.(*refusal); ok && r.session != nil { //nolint:errorlint // ask does not wrap it
		f.Problem = explain(refused.message)
		return b.showForm(r, http.StatusUnprocessableEntity, template, f)
	}
	if err != nil {
		return err
	}
	var saved map[string]json.RawMessage
	var named struct{ ID string }
	if err := json.Unmarshal(answer, &saved); err != nil {
		return err
	}
	if err := json.Unmarshal(saved[kind], &named); err != nil {
		return err
	}
	r.session.say(strings.ToUpper(kind[:1]) + kind[1:] + " " + notice + ".")
	http.Redirect(r.w, r.Request, base+"/"+url.PathEscape(named.ID), http.StatusSeeOther)
	return nil
}

// explain rewords the platform's validation errors in the form's terms.
func explain(message string) string {
	field, problem, ok := strings.Cut(strings.TrimPrefix(message, "body/"), " must ")
	if !ok || !strings.HasPrefix(message, "body/") {
		return message
	}
	name := strings.ReplaceAll(field, "_", " ")
	if problem == "NOT have fewer than 1 characters" {
		return "Please fill in the " + name + "."
	}
	if n, ok := strings.CutPrefix(problem, "NOT have more than "); ok {
		return "The " + name + " is too long: it may have " + n + "."
	}
	return "The " + name + " must " + problem + "."
}

func (b *Board) showForm(r *request, status int, template string, f form) error {
	if r.session == nil {
		return b.showSignIn(r, http.StatusUnauthorized, "Only the CTO creates and changes projects and tasks.")
	}
	title, section := "Project", "projects"
	if template == "form_task.html" {
		title, section = "Task", "board"
	}
	if f.ID == "" {
		title = "New " + strings.ToLower(title)
	} else {
		title = "Edit " + strings.ToLower(title)
	}
	return b.render(r, status, template, title, section, func(v sandbox.View) (_ any, err error) {
		f.Projects, err = v.ProjectNames(choices)
		return f, err
	})
}

// Difficulties returns the difficulties to choose from.
func (form) Difficulties() []string { return polt.Easy.Values() }

// localPath returns the address if it is a local page, else "/": no open
// redirects.
func localPath(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(address, `\`) {
		return "/"
	}
	return u.RequestURI()
}
