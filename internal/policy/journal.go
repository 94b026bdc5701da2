package policy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// journal records writes in a file, as JSON lines: one before a write is sent,
// and one with its outcome. No key gets into it, whosever it is.
type journal struct {
	log zerolog.Logger

	mu     sync.Mutex
	file   *lineFile
	open   map[string]sent // without an outcome, by id
	issued []polt.Key      // the last few keys that were given out
}

// maxIssued is how many keys that were given out are kept out of later lines.
const maxIssued = 16

// sent is a write that has been recorded and has no outcome yet.
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

// begin records a write that is about to be sent, or says that it must not be.
// done records its outcome.
func (j *journal) begin(w tools.Write) (done func(tools.Outcome), _ error) {
	id, now := rand.Text(), time.Now()
	hide := j.hidden(w.Key)
	var arguments map[string]any
	dec := json.NewDecoder(bytes.NewReader(w.Arguments))
	dec.UseNumber()
	err := dec.Decode(&arguments)
	if err == nil {
		err = j.write(written{
			Event: "write", ID: id, Time: stamp(now), Tool: w.Tool, Caller: callerOf(w.Key),
			RequestID: hide(w.RequestID), Arguments: hidden(arguments, hide).(map[string]any),
		}, func() { j.open[id] = sent{w, now} })
	}
	if err != nil {
		j.log.Error().Err(err).Str("tool", w.Tool).Msg("the journal cannot be written, so a write was not sent")
		return nil, &polt.Error{
			Code: polt.CodeInternal, Err: err,
			Message: "the journal cannot be written (" + reason(err) + ")",
		}
	}
	return func(o tools.Outcome) { j.end(id, o) }, nil
}

// end records the outcome of a write, the first that is told.
func (j *journal) end(id string, o tools.Outcome) {
	j.mu.Lock()
	s, ok := j.open[id]
	delete(j.open, id)
	if !o.Issued.IsZero() {
		j.issued = append(j.issued, o.Issued)
		j.issued = j.issued[max(len(j.issued)-maxIssued, 0):]
	}
	j.mu.Unlock()
	if ok {
		j.record(id, s, o)
	}
}

func (j *journal) record(id string, s sent, o tools.Outcome) {
	now := time.Now()
	line := ended{
		Event: "outcome", ID: id, Time: stamp(now), Tool: s.write.Tool, Outcome: "ok",
		MS: float64(now.Sub(s.at).Microseconds()) / 1000,
	}
	if e := o.Err; e != nil {
		line.Outcome, line.HTTPStatus, line.Message = string(e.Code), e.HTTPStatus, j.hidden(s.write.Key)(e.Message)
		if s.write.Registers != "" && e.HTTPStatus >= 200 && e.HTTPStatus < 300 {
			line.Message = "the answer cannot be used, and is not quoted, as it may hold a key"
		}
	}
	if err := j.write(line, func() {}); err != nil {
		j.log.Error().Err(err).Str("id", id).Str("tool", line.Tool).Str("outcome", line.Outcome).Msg("the outcome of a write cannot be recorded")
	}
}

// write writes a line, and does then what is to be done with the lock held.
func (j *journal) write(line any, then func()) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.append(b.Bytes()); err != nil {
		return err
	}
	then()
	return nil
}

// close records that the outcomes that nobody has told are not known, and
// closes the file.
func (j *journal) close() error {
	j.mu.Lock()
	open := j.open
	j.open = map[string]sent{}
	j.mu.Unlock()
	for id, s := range open {
		j.record(id, s, tools.Outcome{Err: &polt.Error{Code: polt.CodeOutcomeUnknown, Message: "the server ended before the answer came"}})
	}
	return j.file.close()
}

// hidden returns what takes keys out of a text: the key in use, those that were
// given out, and all that look like one.
func (j *journal) hidden(inUse polt.Key) func(string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return hider(append([]polt.Key{inUse}, j.issued...))
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// reason is why a file cannot be written, without its path.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return polt.Clean(err.Error(), 100)
}
