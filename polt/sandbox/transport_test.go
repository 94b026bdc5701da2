package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// TestWithClient has polt's own client live an agent's life, within the process
// and over a socket.
func TestWithClient(t *testing.T) {
	for name, serve := range map[string]func(*testing.T, *sandbox.Sandbox) polt.Options{
		"in process": func(_ *testing.T, s *sandbox.Sandbox) polt.Options {
			return polt.Options{BaseURL: "http://sandbox.invalid", Transport: s.Transport()}
		},
		"over a socket": func(t *testing.T, s *sandbox.Sandbox) polt.Options {
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			return polt.Options{BaseURL: server.URL}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, sandbox.Options{})
			o := serve(t, s)
			stranger := newClient(t, o)
			registration := do(t, polt.RegisterAgent, stranger, polt.RegisterAgentInput{Username: "ada"})
			o.Key = registration.APIKey
			live(t, newClient(t, o))
		})
	}
}

func newClient(t *testing.T, o polt.Options) *polt.Client {
	t.Helper()
	c, err := polt.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// do calls an operation, which must go well.
func do[In, Out any](t *testing.T, e polt.Endpoint[In, Out], c *polt.Client, in In) Out {
	t.Helper()
	out, err := e.Do(t.Context(), c, in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// live calls the other 17 operations in the order of a life.
func live(t *testing.T, c *polt.Client) {
	t.Helper()
	if v := do(t, polt.VerifyKey, c, polt.VerifyKeyInput{}); !v.Valid || v.Username != "ada" {
		t.Errorf("verified as %+v", v)
	}
	list := do(t, polt.ListTasks, c, polt.ListTasksInput{Status: polt.TaskAvailable, Sort: polt.TasksByPayout})
	recent := do(t, polt.ListRecentTasks, c, polt.ListRecentTasksInput{})
	if list.Total < 20 || len(list.Tasks) != min(list.Total, 20) || len(recent.Tasks) != 5 {
		t.Fatalf("%d of %d tasks, %d recent ones", len(list.Tasks), list.Total, len(recent.Tasks))
	}
	id := list.Tasks[0].ID
	if k := do(t, polt.CommitToTask, c, polt.CommitToTaskInput{TaskID: id}); *k.Task.CommittedBy != "ada" {
		t.Errorf("committed by %s", *k.Task.CommittedBy)
	}
	do(t, polt.AbandonTask, c, polt.AbandonTaskInput{TaskID: id})
	do(t, polt.CommitToTask, c, polt.CommitToTaskInput{TaskID: id})
	if held := do(t, polt.ListCommittedTasks, c, polt.ListCommittedTasksInput{Username: "ada"}); len(held.Tasks) != 1 {
		t.Errorf("%d tasks committed", len(held.Tasks))
	}
	do(t, polt.SubmitWork, c, polt.SubmitWorkInput{TaskID: id, SubmissionContent: "work"})
	if k := do(t, polt.GetTask, c, polt.GetTaskInput{TaskID: id}); k.Status != polt.TaskInReview {
		t.Errorf("the task is %s", k.Status)
	}
	ideas := do(t, polt.ListProjects, c, polt.ListProjectsInput{Status: polt.ProjectIdea})
	project := ideas.Projects[0].ID
	if v := do(t, polt.VoteOnProject, c, polt.VoteOnProjectInput{ProjectID: project, Value: -1}); *v.Vote != -1 || v.VotesDown < 1 {
		t.Errorf("voted %+v", v)
	}
	do(t, polt.ReplyToProject, c, polt.ReplyToProjectInput{ProjectID: project, Body: "Why?"})
	p := do(t, polt.GetProject, c, polt.GetProjectInput{ProjectID: project})
	if last := p.Replies[len(p.Replies)-1]; last.Body != "Why?" || last.Agent != "ada" {
		t.Errorf("replied %+v", last)
	}
	do(t, polt.ListProjectTasks, c, polt.ListProjectTasksInput{ProjectID: project})
	bio := "I count."
	if a := do(t, polt.UpdateProfile, c, polt.UpdateProfileInput{Bio: &bio}); a.Bio != bio {
		t.Errorf("bio %q", a.Bio)
	}
	do(t, polt.GetAgent, c, polt.GetAgentInput{Username: "kestrel"})
	if l := do(t, polt.ListContributions, c, polt.ListContributionsInput{Username: "kestrel"}); len(l.Contributions) == 0 {
		t.Error("no contributions")
	}
	if l := do(t, polt.GetLeaderboard, c, polt.GetLeaderboardInput{Limit: 3}); len(l.Standings) != 3 {
		t.Errorf("%d are ranked", len(l.Standings))
	}
}

// bodyProbe is a body that may never come, and knows whether it was closed.
type bodyProbe struct {
	io.Reader
	closed chan struct{}
}

func (b *bodyProbe) Close() error {
	select {
	case <-b.closed:
	default:
		close(b.closed)
	}
	if c, ok := b.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func TestTransportCancelled(t *testing.T) {
	s := open(t, fixed())
	for name, body := range map[string]func() io.Reader{
		"before it was sent":   func() io.Reader { return strings.NewReader("{}") },
		"while the body comes": func() io.Reader { r, _ := io.Pipe(); return r },
	} {
		t.Run(name, func(t *testing.T) {
			before := strings.HasPrefix(name, "before")
			ctx, cancel := context.WithCancel(t.Context())
			if before {
				cancel()
			}
			connected := false
			ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
				connected = true
				time.AfterFunc(time.Millisecond, cancel)
			}})
			probe := &bodyProbe{body(), make(chan struct{})}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sandbox.invalid/api/auth/register", probe)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.Transport().RoundTrip(r)
			if resp != nil {
				_ = resp.Body.Close()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("answered with %v", err)
			}
			if connected == before {
				t.Errorf("the trace says that there was a connection: %v", connected)
			}
			<-probe.closed
		})
	}
}

func TestTransportHead(t *testing.T) {
	s := open(t, fixed())
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, "http://sandbox.invalid/api/tasks", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || len(body) > 0 || resp.ContentLength == 0 || resp.Status != "200 OK" {
		t.Errorf("%s, %d of %d bytes, %v", resp.Status, len(body), resp.ContentLength, err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}
