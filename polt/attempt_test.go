package polt_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

func collect(attempts *[]polt.Attempt) func(context.Context, polt.Attempt) {
	return func(_ context.Context, a polt.Attempt) { *attempts = append(*attempts, a) }
}

func TestEveryAttemptIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type contextKey struct{}
		var got []polt.Attempt
		client := fake(t, polt.Options{OnAttempt: func(ctx context.Context, a polt.Attempt) {
			if ctx.Value(contextKey{}) != "of the caller" {
				t.Error("the context is not the caller's")
			}
			got = append(got, a)
		}}, func(n int, _ *http.Request) (*http.Response, error) {
			time.Sleep(time.Duration(n) * time.Second)
			switch n {
			case 1:
				return nil, syscall.ECONNRESET
			case 2:
				return answer(503, "busy"), nil
			}
			return answer(200, `{"id":"42"}`), nil
		})
		if err := getTask(context.WithValue(t.Context(), contextKey{}, "of the caller"), client); err != nil {
			t.Fatal(err)
		}
		all := polt.Attempt{Operation: "GET /api/tasks/{task_id}", Method: "GET", Path: "/api/tasks/42"}
		first, second, third := all, all, all
		first.Number, first.Duration, first.Err = 1, time.Second, syscall.ECONNRESET
		second.Number, second.Duration, second.Status, second.Bytes = 2, 2*time.Second, 503, 4
		third.Number, third.Duration, third.Status, third.Bytes = 3, 3*time.Second, 200, 11
		if want := []polt.Attempt{first, second, third}; !reflect.DeepEqual(got, want) {
			t.Errorf("told %+v\nwant %+v", got, want)
		}
	})
}

func TestRefusedCallIsNoAttempt(t *testing.T) {
	var got []polt.Attempt
	client := fake(t, polt.Options{OnAttempt: collect(&got)}, func(int, *http.Request) (*http.Response, error) {
		return nil, errors.New("sent")
	})
	if _, err := polt.GetTask.Call(t.Context(), client, polt.GetTaskInput{TaskID: "recent"}); err == nil || len(got) != 0 {
		t.Errorf("told %+v; error %v", got, err)
	}
}
