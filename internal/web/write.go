package web

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
)

// A client that does not read writeChunk bytes of a response within writeTimeout
// is disconnected.
const (
	writeTimeout = 30 * time.Second
	writeChunk   = 32 << 10
)

var errGaveWay = errors.New("others need the memory that the client does not take")

// awaitClient makes the next write fail if the client does not read it within
// writeTimeout, or if others need the account's memory meanwhile.
func awaitClient(control *http.ResponseController, account *memory.Account) error {
	account.AwaitClient(func() { _ = control.SetWriteDeadline(time.Unix(1, 0)) })
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only for a test's recorder
	if account.GaveWay() {                                     // its deadline may have been overwritten just now
		return errGaveWay
	}
	return nil
}

// timely is a writer with a timeout for slow clients.
type timely struct {
	w       io.Writer
	control *http.ResponseController
	account *memory.Account
}

func (t timely) Write(b []byte) (int, error) {
	return len(b), writeInTime(t.w, t.control, t.account, b)
}

// writeInTime writes b in chunks, each with writeTimeout.
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
