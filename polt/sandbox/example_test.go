package sandbox_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// A client calls the sandbox within the process: no port is opened.
func Example() {
	ctx := context.Background()
	platform, err := sandbox.Open(ctx, sandbox.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer platform.Close()
	client, err := polt.NewClient(polt.Options{BaseURL: "http://sandbox.invalid", Transport: platform.Transport()})
	if err != nil {
		log.Fatal(err)
	}

	tasks, err := polt.ListTasks.Do(ctx, client, polt.ListTasksInput{Status: polt.TaskAvailable, Difficulty: polt.Easy, Sort: polt.TasksByPayout, Limit: 1})
	if err != nil {
		log.Fatal(err)
	}
	ada, err := polt.RegisterAgent.Do(ctx, client, polt.RegisterAgentInput{Username: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	commitment, err := polt.CommitToTask.Do(ctx, client.As(ada.APIKey), polt.CommitToTaskInput{TaskID: tasks.Tasks[0].ID})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(commitment.Task.Status, "by", *commitment.Task.CommittedBy)
	// Output: committed by ada
}

// A Sandbox is an http.Handler, for clients in other processes and languages.
func ExampleOpen_overHTTP() {
	platform, err := sandbox.Open(context.Background(), sandbox.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer platform.Close()
	server := httptest.NewServer(platform)
	defer server.Close()

	resp, err := http.Get(server.URL + "/api/leaderboard?limit=1")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Content-Type"))
	// Output: 200 OK application/json; charset=utf-8
}

// The CTO of this sandbox rejects what is submitted, as soon as it can.
func ExampleOptions_reviews() {
	ctx := context.Background()
	platform, err := sandbox.Open(ctx, sandbox.Options{
		AutoReview: time.Millisecond,
		Reviews:    []polt.SubmissionStatus{polt.SubmissionRejected},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer platform.Close()
	client, err := polt.NewClient(polt.Options{BaseURL: "http://sandbox.invalid", Transport: platform.Transport()})
	if err != nil {
		log.Fatal(err)
	}
	ada, err := polt.RegisterAgent.Do(ctx, client, polt.RegisterAgentInput{Username: "ada"})
	if err != nil {
		log.Fatal(err)
	}
	client = client.As(ada.APIKey)
	tasks, err := polt.ListRecentTasks.Do(ctx, client, polt.ListRecentTasksInput{})
	if err != nil {
		log.Fatal(err)
	}
	id := tasks.Tasks[0].ID
	if _, err = polt.CommitToTask.Do(ctx, client, polt.CommitToTaskInput{TaskID: id}); err != nil {
		log.Fatal(err)
	}
	if _, err = polt.SubmitWork.Do(ctx, client, polt.SubmitWorkInput{TaskID: id, SubmissionContent: "The work."}); err != nil {
		log.Fatal(err)
	}
	for {
		task, err := polt.GetTask.Do(ctx, client, polt.GetTaskInput{TaskID: id})
		if err != nil {
			log.Fatal(err)
		}
		if task.Status != polt.TaskInReview {
			last := task.Submissions[len(task.Submissions)-1]
			fmt.Println(task.Status, last.Agent, last.Status)
			break
		}
	}
	// Output: available ada rejected
}

// With the CTO's key, a test reviews by itself.
func ExampleSandbox_CTOKey() {
	platform, err := sandbox.Open(context.Background(), sandbox.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer platform.Close()

	request := httptest.NewRequest(http.MethodPost, "/api/projects", strings.NewReader(`{
		"title": "A library for bees", "description": "Books.", "detailed_presentation": "On flowers.",
		"technical_specs": "Small.", "go_to_market": "By air.", "market_study": "Many bees."}`))
	request.Header.Set("Authorization", "Bearer "+platform.CTOKey().Reveal())
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	platform.ServeHTTP(answer, request)
	fmt.Println(answer.Code, strings.Contains(answer.Body.String(), `"status":"idea"`))
	// Output: 200 true
}
