package policy

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/tools"
)

// journal records writes in a file, as JSON lines: one before a write is sent,
// and one with its outcome. Several processes may write to one file, so each
// line is written with one call. No key gets into it, whosever it is.
type journal struct {
	log zerolog.Logger

	mu     sync.Mutex
	file   *os.File
	torn   bool            // the last line was not written whole
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
	file, err := openFile(path, log)
	if err != nil {
		return nil, fmt.Errorf("the journal: %w", err)
	}
	return &journal{log: log, file: file, open: map[string]sent{}}, nil
}

// openFile opens a journal, which may be a pipe or a device.
func openFile(path string, log zerolog.Logger) (*os.File, error) {
	if path == "/dev/stderr" {
		return os.Stderr, nil // it may be a socket, which cannot be opened
	}
	flags := os.O_APPEND | os.O_CREATE | os.O_WRONLY
	switch info, err := os.Stat(path); {
	case err != nil: // it is not there, or opening it says why not
	case !info.Mode().IsRegular():
		flags |= syscall.O_NONBLOCK // else a pipe waits for its reader
	case info.Mode()&0o077 != 0 && runtime.GOOS != "windows":
		log.Warn().Str("mode", info.Mode().String()).Msg("others can read the journal, or write to it: it should be its owner's only (chmod 600)")
	}
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the file is the operator's choice
	if errors.Is(err, syscall.ENXIO) {
		err = fmt.Errorf("nobody reads %s, which is no file", path)
	}
	return file, err
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
	b.WriteByte('\n') // for after a torn line
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(line); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	text := b.Bytes()
	if !j.torn {
		text = text[1:]
	}
	n, err := j.file.Write(text)
	if err != nil {
		j.torn = j.torn || n > 0
		return err
	}
	j.torn = false
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
	if j.file == os.Stderr {
		return nil // it is not the journal's alone
	}
	return j.file.Close()
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
