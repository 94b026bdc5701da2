package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// open opens an account for a caller of the request that ctx belongs to.
func (s *Server) open(ctx context.Context, c *caller) *memory.Account {
	return s.options.Memory.Open(memory.Caller{ID: c.id, Known: s.options.IsKnown(ctx)})
}

// usualBody is the size in bytes up to which a body is charged as part of its
// call. Larger ones have a memory pool of their own.
const usualBody = 16 << 10

// takeMessages reserves memory for the parsed messages of a body, which copy
// parts of it.
func takeMessages(account *memory.Account, length, messages int) bool {
	parts := int64(2 * length)
	if length <= usualBody {
		return account.Take(parts + int64(messages)*memory.PerCall)
	}
	return account.TakeBody(parts) && account.Take(int64(messages)*memory.PerCall)
}

// A body must arrive within bodyPatience, plus the time for its bytes at bodyPace.
const (
	bodyPatience = 10 * time.Second
	bodyPace     = 32 << 10 // bytes per second
	firstBody    = 4 << 10  // bytes of the first buffer
)

// readBody reads a body within the limits of size and time. It reserves memory as
// the bytes arrive, as a Content-Length may be false. It returns false after it
// has answered the request with an error.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, account *memory.Account) ([]byte, bool) {
	control := http.NewResponseController(w)
	began := time.Now()
	// A slow request may have to give way to others.
	account.AwaitClient(func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
	defer account.Proceed()
	tooLarge := r.ContentLength > s.options.MaxBody
	var body []byte
	for !tooLarge {
		if len(body) == cap(body) {
			room := max(2*cap(body), firstBody)
			if r.ContentLength >= 0 {
				room = min(room, int(r.ContentLength)+1) // one more, to read EOF
			}
			room = max(room, len(body)+1)
			if !takeRoom(account, cap(body), room) {
				return nil, s.refuseBody(w, r)
			}
			body = append(make([]byte, 0, room), body...)
		}
		// The error is ignored: a test's recorder has no deadlines. After a failure
		// the deadline stays, as net/http reads the rest of the body for a while.
		_ = control.SetReadDeadline(began.Add(bodyPatience + time.Duration(len(body)/bodyPace)*time.Second))
		if account.GaveWay() { // its deadline may have been overwritten just now
			return nil, s.refuseBody(w, r)
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		tooLarge = int64(len(body)) > s.options.MaxBody
		switch {
		case tooLarge || err == nil:
		case errors.Is(err, io.EOF):
			_ = control.SetReadDeadline(time.Time{})
			return body, true
		case account.GaveWay():
			return nil, s.refuseBody(w, r)
		default:
			w.Header().Set("Connection", "close")
			s.refuse(w, r, http.StatusBadRequest, refusedBody, "The request body was incomplete or arrived too slowly. Send the request again.")
			return nil, false
		}
	}
	w.Header().Set("Connection", "close")
	s.refuse(w, r, http.StatusRequestEntityTooLarge, refusedBody, fmt.Sprintf("The message exceeds the maximum of %d bytes. Send a shorter one.", s.options.MaxBody))
	return nil, false
}

// takeRoom reserves memory for a buffer that grows from before to after bytes.
func takeRoom(account *memory.Account, before, after int) bool {
	usual := min(after, usualBody) - min(before, usualBody)
	return (usual == 0 || account.Take(int64(usual))) && (after <= usualBody || account.TakeBody(int64(after-max(before, usualBody))))
}

// refuseBody rejects a request because there is no memory for its body. It
// returns false.
func (s *Server) refuseBody(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Connection", "close") // the rest of the body is not read
	s.refuseForNow(w, r, &noMemory, rpc.Input{})
	return false
}
