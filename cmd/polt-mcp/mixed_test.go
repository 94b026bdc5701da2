package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
)

// The buffers of answers are used again for others, which must not show.
func TestAnswersOfCallsAtTheSameTimeAreNotMixed(t *testing.T) {
	description := func(id string) string { // of a size of its own
		return strings.Repeat(id+" ", 1+len(id)*len(id)*20)
	}
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := path.Base(r.URL.Path)
		w.Header().Set("Content-Type", "application/json")
		answer := fmt.Sprintf(`{"id":%q,"description":%q}`, id, description(id))
		if len(id)%2 == 0 {
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(platform.Close)
	r := runCommand(t, "http", "--addr", "127.0.0.1:0", "--api-url", platform.URL, "--caller-rate", "0", "--caller-in-flight", "0")
	url := strings.TrimSpace(strings.TrimPrefix(r.line(), "polt-mcp on "))

	const callers, calls = 8, 100
	var calling sync.WaitGroup
	for caller := range callers {
		calling.Go(func() {
			for call := range calls {
				id := strings.Repeat(string(rune('a'+caller)), 1+(call+caller)%9)
				var answer struct {
					Result struct {
						Content           []struct{ Text string }
						StructuredContent struct{ ID, Description string }
					}
				}
				if err := postJSON(url, toolCall("get_task", fmt.Sprintf(`{"task_id":%q}`, id)), &answer); err != nil {
					t.Error(err)
					return
				}
				got := answer.Result.StructuredContent
				text := answer.Result.Content[0].Text
				if got.ID != id || got.Description != description(id) || !strings.Contains(text, got.Description) {
					t.Errorf("the answer for %s is %.80q, and its text %.80q", id, got, text)
					return
				}
			}
		})
	}
	calling.Wait()
	r.end()
	r.wait()
}

func postJSON(url, message string, answer any) error {
	resp, err := http.Post(url, "application/json", strings.NewReader(message))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(answer)
}
