package policy_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/policy"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// Outcomes are told while the journal is being closed, again and again: of each
// write that was recorded there is one, the call's own or that of the end.
func TestWritesThatEndWithTheServerHaveOneOutcomeEach(t *testing.T) {
	w := tools.Write{Tool: "commit_to_task", Arguments: json.RawMessage(`{"task_id":"t-1"}`)}
	path := filepath.Join(t.TempDir(), "journal")
	for range 500 {
		rules, err := policy.New(policy.Options{Journal: path})
		if err != nil {
			t.Fatal(err)
		}
		var calls sync.WaitGroup
		for range 20 {
			done, err := rules.OnWrite(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			calls.Go(func() {
				done(tools.Outcome{})
				if done, err := rules.OnWrite(t.Context(), w); err == nil {
					done(tools.Outcome{})
				}
			})
		}
		if err := rules.Close(); err != nil {
			t.Fatal(err)
		}
		calls.Wait()
	}
	outcomes := map[string]int{}
	for _, l := range journalOf(t, path) {
		switch l.Event {
		case "write":
			outcomes[l.ID] += 0
		case "outcome":
			outcomes[l.ID]++
		}
	}
	if len(outcomes) < 500*20 {
		t.Errorf("only %d writes were recorded", len(outcomes))
	}
	for id, n := range outcomes {
		if n != 1 {
			t.Errorf("%s has %d outcomes", id, n)
		}
	}
}

func TestOutcomeIsRecordedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	var log bytes.Buffer
	rules, err := policy.New(policy.Options{Journal: path, Log: zerolog.New(&log)})
	if err != nil {
		t.Fatal(err)
	}
	begin := func() func(tools.Outcome) {
		done, err := rules.OnWrite(t.Context(), tools.Write{Arguments: json.RawMessage(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	taken := tools.Outcome{Err: &polt.Error{Code: polt.CodeConflict}}
	told, late := begin(), begin()
	told(taken)
	told(tools.Outcome{})
	if err := rules.Close(); err != nil {
		t.Fatal(err)
	}
	told(tools.Outcome{})
	late(taken)
	l := journalOf(t, path)
	if len(l) != 4 || l[2].ID != l[0].ID || l[2].Outcome != "conflict" || l[3].ID != l[1].ID || l[3].Outcome != "outcome_unknown" {
		t.Errorf("%+v", l)
	}
	if log.Len() > 0 {
		t.Errorf("the log has %s", &log)
	}
}

// After the end there is nobody who would record an outcome, so that no write
// is recorded either: not in a journal that would be begun anew.
func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	p := &platform{}
	set, rules := newSetAndPolicy(t, p, policy.Options{Journal: path})
	if err := rules.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantError(t, commit(as(t, "polt_k"), set), polt.CodeInternal)
	p.wantSent(t, 0, 0)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("there is a journal again")
	}
}
