package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/internal/rpc"
)

// open opens the account of a caller's request.
func (s *Server) open(c *caller) *memory.Account {
	// Who has the token is trusted, and a key that the platform has accepted is
	// nobody's invention.
	isKnown := s.options.CallerToken != "" || !c.key.IsZero() && s.options.IsKnown(c.key)
	return s.options.Memory.Open(memory.Caller{ID: c.id, Known: isKnown})
}

// usualBody is how many bytes a request may have to be one of the usual ones,
// for which there is room of its own.
const usualBody = 16 << 10

// takeMessages takes what the messages of a body need: they are held in parts
// beside the whole.
func takeMessages(account *memory.Account, length, messages int) bool {
	parts := int64(2 * length)
	if length <= usualBody {
		return account.Take(parts + int64(messages)*memory.PerCall)
	}
	return account.TakeBody(parts) && account.Take(int64(messages)*memory.PerCall)
}

// The time that a body may take: some at first, and more with its bytes.
const (
	bodyPatience = 10 * time.Second
	bodyPace     = 32 << 10 // bytes a second, at least
	firstBody    = 4 << 10  // bytes that are made room for at first
)

// readBody reads a message that is not too large, and does not take too long,
// into memory that is taken as the bytes come: what a request says of its length
// may be made up.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, account *memory.Account) ([]byte, bool) {
	control := http.NewResponseController(w)
	began := time.Now()
	// Others need its room more than one that is slow.
	account.AwaitClient(func() { _ = control.SetReadDeadline(time.Unix(1, 0)) })
	defer account.Proceed()
	tooLarge := r.ContentLength > s.options.MaxBody
	var body []byte
	for !tooLarge {
		if len(body) == cap(body) {
			room := max(2*cap(body), firstBody)
			if r.ContentLength >= 0 {
				room = min(room, int(r.ContentLength)+1) // for the end
			}
			room = max(room, len(body)+1)
			if !takeRoom(account, cap(body), room) {
				return nil, s.refuseBody(w, r)
			}
			body = append(make([]byte, 0, room), body...)
		}
		// A test's recorder has no deadlines. That of a body that is not read to its
		// end stays: net/http reads on for a while.
		_ = control.SetReadDeadline(began.Add(bodyPatience + time.Duration(len(body)/bodyPace)*time.Second))
		if account.GaveWay() { // perhaps before that deadline was set
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

// takeRoom takes room for a body that grows.
func takeRoom(account *memory.Account, before, after int) bool {
	usual := min(after, usualBody) - min(before, usualBody)
	return (usual == 0 || account.Take(int64(usual))) && (after <= usualBody || account.TakeBody(int64(after-max(before, usualBody))))
}

// refuseBody refuses a request for whose body there is no memory. It returns
// false.
func (s *Server) refuseBody(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Connection", "close") // the rest of the body is not read
	s.refuseForNow(w, r, &noMemory, rpc.Input{})
	return false
}
