package polt_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// platformOf starts a platform for an example.
func platformOf(method, path string, status int, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method || r.RequestURI != path {
			log.Fatalf("unexpected request: %s %s", r.Method, r.RequestURI)
		}
		w.WriteHeader(status)
		write(w, body)
	}))
}

func Example() {
	platform := platformOf("GET", "/api/tasks?limit=2&status=available", 200,
		`{"tasks":[{"id":"42","title":"Write the docs","payout_display":"500 POLT"}],"total":1}`)
	defer platform.Close()

	client, err := polt.NewClient(polt.Options{BaseURL: platform.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()
	list, err := polt.ListTasks.Do(context.Background(), client, polt.ListTasksInput{Status: polt.TaskAvailable, Limit: 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, task := range list.Tasks {
		fmt.Println(task.ID, task.Title, "for", task.PayoutDisplay)
	}
	// Output: 42 Write the docs for 500 POLT
}

func ExampleClient_As() {
	platform := platformOf("POST", "/api/auth/register", 201, `{"agent_id":"7","api_key":"polt_0123456789abcdef"}`)
	defer platform.Close()
	client, err := polt.NewClient(polt.Options{BaseURL: platform.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	registration, err := polt.RegisterAgent.Do(context.Background(), client, polt.RegisterAgentInput{Username: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	ada := client.As(registration.APIKey)
	fmt.Println(ada.BaseURL() == platform.URL, registration.APIKey)
	// Output: true polt_…redacted
}

func ExampleError() {
	platform := platformOf("POST", "/api/tasks/42/commit", 429, `{"error":"Too many commits"}`)
	defer platform.Close()
	key, err := polt.ParseKey("polt_0123456789abcdef")
	if err != nil {
		log.Fatal(err)
	}
	client, err := polt.NewClient(polt.Options{BaseURL: platform.URL, Key: key})
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	_, err = polt.CommitToTask.Do(context.Background(), client, polt.CommitToTaskInput{TaskID: "42"})
	var e *polt.Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, e.Retryable)
	}
	fmt.Println(err)
	// Output:
	// rate_limited true
	// polt: POST /api/tasks/{task_id}/commit: HTTP 429: Too many commits
}

func ExampleOptions_onAttempt() {
	platform := platformOf("GET", "/api/leaderboard?limit=10", 200, `[]`)
	defer platform.Close()
	client, err := polt.NewClient(polt.Options{
		BaseURL: platform.URL,
		Timeout: 10 * time.Second,
		OnAttempt: func(_ context.Context, a polt.Attempt) {
			fmt.Printf("%s: try %d, status %d, %d bytes\n", a.Operation, a.Number, a.Status, a.Bytes)
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	if _, err := polt.GetLeaderboard.Do(context.Background(), client, polt.GetLeaderboardInput{Limit: 10}); err != nil {
		log.Fatal(err)
	}
	// Output: GET /api/leaderboard: try 1, status 200, 2 bytes
}

func ExampleParseKey() {
	key, err := polt.ParseKey("polt_0123456789abcdef")
	fmt.Println(key, err)
	_, err = polt.ParseKey("polt_0123456789abcdef\n")
	fmt.Println(err)
	// Output:
	// polt_…redacted <nil>
	// the API key has a space, control or non-ASCII character at position 22
}

func ExampleOperations() {
	for _, op := range polt.Operations()[:3] {
		fmt.Println(op.Method(), op.Path(), op.Public())
	}
	// Output:
	// POST /api/auth/register true
	// POST /api/auth/verify false
	// GET /api/tasks true
}

// Call returns the platform's own JSON, with what it does not document, too.
func ExampleEndpoint_Call() {
	platform := platformOf("GET", "/api/agents/ada", 200, `{"username":"ada","karma":7}`)
	defer platform.Close()
	client, err := polt.NewClient(polt.Options{BaseURL: platform.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer client.CloseIdleConnections()

	answer, err := polt.GetAgent.Call(context.Background(), client, polt.GetAgentInput{Username: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(answer.Raw))
	// Output: {"username":"ada","karma":7}
}
