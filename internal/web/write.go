package web

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
)

// A client that takes no byte of an answer for writeTimeout is given up, so that
// it holds nothing.
const (
	writeTimeout = 30 * time.Second
	writeChunk   = 32 << 10 // bytes that are waited for together
)

var errGaveWay = errors.New("others need the memory that the client does not take")

// awaitClient has what is written next fail when the client takes nothing of it
// in time, or when others need the memory of the account more than a client that
// is slow.
func awaitClient(control *http.ResponseController, account *memory.Account) error {
	account.AwaitClient(func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
	if account.GaveWay() {                                     // perhaps before that deadline was set
		return errGaveWay
	}
	return nil
}

// timely is a writer that does not wait for a slow client for ever.
type timely struct {
	w       io.Writer
	control *http.ResponseController
	account *memory.Account
}

// Write writes as long as the client takes what is written.
func (t timely) Write(b []byte) (int, error) {
	return len(b), writeInTime(t.w, t.control, t.account, b)
}

// writeInTime writes as long as the client takes what is written.
func writeInTime(w io.Writer, control *http.ResponseController, account *memory.Account, b []byte) error {
	defer account.Proceed()
	for len(b) > 0 {
		if err := awaitClient(control, account); err != nil {
			return err
		}
		n, err := w.Write(b[:min(len(b), writeChunk)])
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
