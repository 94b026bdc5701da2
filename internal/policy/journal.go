package policy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// journal records writes in a file, as JSON lines: one before a write is sent,
// and one with its outcome. All keys are redacted.
type journal struct {
	log zerolog.Logger

	mu     sync.Mutex
	file   *lineFile
	open   map[string]sent // writes without an outcome, by id
	issued []polt.Key      // the latest keys issued by registration, to redact
	closed bool            // no new writes are recorded
}

// maxIssued limits journal.issued.
const maxIssued = 16

// sent is a recorded write without an outcome.
type sent struct {
	write tools.Write
	at    time.Time
}

// written and ended are the lines of the journal.
type written struct {
	Event     string         `json:"event"`
	ID        string         `json:"id"`
	Time      string         `json:"time"`
	Tool      string         `json:"tool"`
	Caller    string         `json:"caller"`
	RequestID string         `json:"request_id,omitempty"`
	Arguments map[string]any `json:"arguments"`
}

type ended struct {
	Event      string  `json:"event"`
	ID         string  `json:"id"`
	Time       string  `json:"time"`
	Tool       string  `json:"tool"`
	Outcome    string  `json:"outcome"`
	HTTPStatus int     `json:"http_status,omitempty"`
	Message    string  `json:"message,omitempty"`
	MS         float64 `json:"ms"`
}

func openJournal(path string, log zerolog.Logger) (*journal, error) {
	file, err := openLineFile(path, log)
	if err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	return &journal{log: log, file: file, open: map[string]sent{}}, nil
}

// begin records a write that is about to be sent. If it returns an error, the
// write must not be sent. done records the outcome.
func (j *journal) begin(w tools.Write) (done func(tools.Outcome), _ error) {
	id, now := rand.Text(), time.Now()
	hide := j.redacted(w.Key)
	var arguments map[string]any
	dec := json.NewDecoder(bytes.NewReader(w.Arguments))
	dec.UseNumber()
	err := dec.Decode(&arguments)
	if err == nil {
		err = j.record(id, sent{w, now}, written{
			Event: "write", ID: id, Time: stamp(now), Tool: w.Tool, Caller: callerID(w.Key),
			RequestID: hide(w.RequestID), Arguments: redacted(arguments, hide).(map[string]any),
		})
	}
	if err != nil {
		j.log.Error().Err(err).Str("tool", w.Tool).Msg("the journal cannot be written, so a write was not sent")
		return nil, &polt.Error{
			Code: polt.CodeInternal, Err: err,
			Message: "the journal cannot be written (" + reason(err) + ")",
		}
	}
	return func(o tools.Outcome) { j.end(id, o, time.Now()) }, nil
}

// record writes the line of a write, and adds it to the open ones.
func (j *journal) record(id string, s sent, w written) error {
	line, err := lineOf(w)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return fs.ErrClosed
	}
	if err := j.file.append(line, s.at); err != nil {
		return err
	}
	j.open[id] = s
	return nil
}

// end records the first outcome of a write, and logs a failure to do so.
func (j *journal) end(id string, o tools.Outcome, now time.Time) {
	if e, err := j.settle(id, o, now); err != nil {
		j.log.Error().Err(err).Str("id", id).Str("tool", e.Tool).Str("outcome", e.Outcome).Msg("the outcome of a write cannot be recorded")
	}
}

// settle records an outcome, unless the write has one. It removes the write from
// the open ones and writes the line under one lock, so that the file can be closed
// once no write is open.
func (j *journal) settle(id string, o tools.Outcome, now time.Time) (e ended, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !o.Issued.IsZero() {
		j.issued = append(j.issued, o.Issued)
		j.issued = j.issued[max(len(j.issued)-maxIssued, 0):]
	}
	s, ok := j.open[id]
	if !ok {
		return ended{}, nil
	}
	delete(j.open, id)
	e = s.ended(id, o, now, j.redactor(s.write.Key))
	line, err := lineOf(e)
	if err == nil {
		err = j.file.append(line, now)
	}
	return e, err
}

// ended returns the line of an outcome.
func (s sent) ended(id string, o tools.Outcome, now time.Time, hide func(string) string) ended {
	line := ended{
		Event: "outcome", ID: id, Time: stamp(now), Tool: s.write.Tool, Outcome: "ok",
		MS: float64(now.Sub(s.at).Microseconds()) / 1000,
	}
	if e := o.Err; e != nil {
		line.Outcome, line.HTTPStatus, line.Message = string(e.Code), e.HTTPStatus, hide(e.Message)
		if s.write.Registers != "" && e.HTTPStatus >= 200 && e.HTTPStatus < 300 {
			line.Message = "the response is unusable, and not quoted because it may contain a key"
		}
	}
	return line
}

func lineOf(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return b.Bytes(), err
}

// close records outcome_unknown for the open writes, and closes the file.
func (j *journal) close() error {
	j.mu.Lock()
	j.closed = true
	open := slices.Collect(maps.Keys(j.open))
	j.mu.Unlock()
	unknown := tools.Outcome{Err: &polt.Error{Code: polt.CodeOutcomeUnknown, Message: "the server ended before the response arrived"}}
	now := time.Now()
	for _, id := range open {
		j.end(id, unknown, now)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.file.close()
}

// redacted returns a function that redacts keys in a text: the key in use, the
// issued ones, and anything that looks like a key.
func (j *journal) redacted(inUse polt.Key) func(string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.redactor(inUse)
}

// redactor is redacted for callers that hold mu.
func (j *journal) redactor(inUse polt.Key) func(string) string {
	return redactor(append([]polt.Key{inUse}, j.issued...))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// reason returns the text of a file's error without its path.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return clean.Line(err.Error(), 100)
}
