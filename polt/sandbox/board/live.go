package board

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/openpolt/polt-mcp/polt/sandbox"
)

const (
	// heartbeat is the interval of comments on an idle stream, which detect a
	// disconnected browser.
	heartbeat = 25 * time.Second
	// burst is how many missed events a stream sends. A page that missed more
	// is reloaded.
	burst = 100
)

// change is what a page needs to know of an event to see whether it is
// affected.
type change struct {
	Kind    sandbox.EventKind `json:"kind"`
	Task    string            `json:"task,omitempty"`
	Project string            `json:"project,omitempty"`
	Agent   string            `json:"agent,omitempty"`
}

// stream sends events as they happen (server-sent events). A browser that
// reconnects names the last event it received and gets those that it missed.
func (b *Board) stream(w http.ResponseWriter, r *http.Request) {
	last, err := b.lastSeen(r)
	if err != nil {
		http.Error(w, "the events cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil || out.Flush() != nil {
		return
	}
	b.watchOnce.Do(func() { close(b.watched) })
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		changed := b.sandbox.Changed()
		if last, err = b.send(w, r, last); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-beat.C:
			if _, err := fmt.Fprint(w, ":\n\n"); err != nil || out.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-b.closed:
			return
		}
	}
}

// lastSeen returns the last event that the browser received, or that its page
// was rendered with. An event in the future means that the sandbox was
// restarted, so everything is new.
func (b *Board) lastSeen(r *http.Request) (last int64, err error) {
	err = b.sandbox.View(r.Context(), func(v sandbox.View) error {
		last, err = v.LastEvent()
		return err
	})
	for _, given := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")} {
		if n, err := strconv.ParseInt(given, 10, 64); err == nil {
			if n > last {
				return 0, nil
			}
			return n, nil
		}
	}
	return last, err
}

// send sends the events after last, and returns the last one sent.
func (b *Board) send(w http.ResponseWriter, r *http.Request, last int64) (int64, error) {
	var events []sandbox.Event
	err := b.sandbox.View(r.Context(), func(v sandbox.View) (err error) {
		events, err = v.EventsAfter(last, burst)
		return err
	})
	if err != nil || len(events) == 0 {
		return last, err
	}
	changes := make([]change, len(events))
	for i, e := range events {
		changes[i] = change{e.Kind, e.TaskID, e.ProjectID, e.Agent}
	}
	data, err := json.Marshal(changes)
	if err != nil {
		return last, err
	}
	last = events[len(events)-1].Seq
	_, err = fmt.Fprintf(w, "id: %d\nevent: change\ndata: %s\n\n", last, data)
	return last, err
}
