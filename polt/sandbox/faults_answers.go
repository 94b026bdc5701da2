package sandbox

import (
	"context"
	"html"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusals respond instead of the handler, or discard its response.
var refusals = map[Fault]func(http.ResponseWriter, *http.Request){
	FaultRateLimited: frameworkRefusal(http.StatusTooManyRequests, "Rate limit exceeded"),
	FaultRetryAfter: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		frameworkRefusal(http.StatusTooManyRequests, "Rate limit exceeded, retry in 1 second")(w, r)
	},
	FaultInternal:        frameworkRefusal(http.StatusInternalServerError, "Internal Server Error"),
	FaultInternalAfter:   frameworkRefusal(http.StatusInternalServerError, "Internal Server Error"),
	FaultBadGateway:      badGateway,
	FaultBadGatewayAfter: badGateway,
	FaultUnavailable:     frameworkRefusal(http.StatusServiceUnavailable, "Service Unavailable"),
	FaultTunnelOffline: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Ngrok-Error-Code", "ERR_NGROK_3200")
		writeHTML(w, http.StatusNotFound, "The endpoint "+r.Host+" is offline. ERR_NGROK_3200")
	},
	FaultRedirectHost: func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://elsewhere.invalid"+r.URL.Path)
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	FaultRedirectReserved: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/api/moderation/ban/1")
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	FaultSilence:      silence,
	FaultSilenceAfter: silence,
	FaultReset:        reset,
	FaultResetAfter:   reset,

	FaultRefusedStream:      reset,
	FaultProtocolError:      reset,
	FaultProtocolErrorAfter: reset,
	FaultInternalError:      reset,
	FaultInternalErrorAfter: reset,
	FaultCancel:             reset,
	FaultCancelAfter:        reset,
	FaultCalm:               reset,
	FaultCalmAfter:          reset,
}

func frameworkRefusal(status int, message string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, status, frameworkError{StatusCode: status, Error: statusText(status), Message: message})
	}
}

func badGateway(w http.ResponseWriter, _ *http.Request) {
	writeHTML(w, http.StatusBadGateway, "502 Bad Gateway")
}

func writeHTML(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<!doctype html>\n<html><body><h1>"+html.EscapeString(text)+"</h1></body></html>\n") // who asked may have gone
}

// silence answers nothing until the client has gone.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // the server notices that the client goes only once it has read the request
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// reset breaks the connection. Over HTTP/1.1 it is reset, so that the client
// loses what it has not read; over HTTP/2 the stream is.
func reset(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, not an orderly end
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// answers change the answer of a request that has been served.
var answers = map[Fault]func(*Faulty, http.ResponseWriter, *http.Request, *recorder, *rand.Rand){
	FaultDrip: func(f *Faulty, w http.ResponseWriter, r *http.Request, served *recorder, _ *rand.Rand) {
		copyHead(w, served)
		for _, b := range served.body.Bytes() {
			if _, err := w.Write([]byte{b}); err != nil {
				return
			}
			flush(w)
			if !pause(r.Context(), f.options.Drip) {
				panic(http.ErrAbortHandler)
			}
		}
	},
	FaultTruncated: func(_ *Faulty, w http.ResponseWriter, _ *http.Request, served *recorder, random *rand.Rand) {
		body := served.body.Bytes()
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		copyHead(w, served)
		_, _ = w.Write(body[:random.IntN(max(len(body), 1))])
		flush(w)
		panic(http.ErrAbortHandler)
	},
	FaultInvalidJSON: mangle(func(body []byte, _ *http.Request, random *rand.Rand) []byte {
		return body[:random.IntN(max(len(body), 1))]
	}),
	FaultHuge: func(_ *Faulty, w http.ResponseWriter, _ *http.Request, served *recorder, _ *rand.Rand) {
		const size = 64 << 20
		copyHead(w, served)
		_, _ = io.WriteString(w, `{"padding":"`)
		line := strings.Repeat("polt", 8<<10)
		for range size / len(line) {
			if _, err := io.WriteString(w, line); err != nil {
				return // the client gave up
			}
		}
		_, _ = io.WriteString(w, `"}`)
	},
	FaultContentType: func(_ *Faulty, w http.ResponseWriter, _ *http.Request, served *recorder, _ *rand.Rand) {
		served.header.Set("Content-Type", "text/html; charset=utf-8")
		copyHead(w, served)
		_, _ = w.Write(served.body.Bytes())
	},
	FaultUnknownFields: mangle(withUnknownFields),
	FaultMissingFields: mangle(withMissingFields),
	FaultNullFields:    mangle(withNullFields),
	FaultWrongTypes:    mangle(withWrongTypes),
	FaultDeep: mangle(func(body []byte, _ *http.Request, _ *rand.Rand) []byte {
		const levels = 100_000
		return append(append(append([]byte(`{"deep":`+strings.Repeat("[", levels)+strings.Repeat("]", levels)+`,"answer":`), body...), '}'), '\n')
	}),
	FaultDuplicateKeys: mangle(withDuplicateKeys),
	FaultInvalidUTF8:   mangle(withInText("\xff\xc0\x80")),
	FaultInvisible:     mangle(withInText("\u202e\u2066\u200b\u2800\U000e0049\U000e0067\U000e006e\ufe0f\ufeff")),
	FaultEchoKey:       mangle(withKey),
	FaultByteOrderMark: mangle(func(body []byte, _ *http.Request, _ *rand.Rand) []byte {
		return append([]byte("\ufeff"), body...)
	}),
}

// mangle returns a fault that alters the body.
func mangle(change func([]byte, *http.Request, *rand.Rand) []byte) func(*Faulty, http.ResponseWriter, *http.Request, *recorder, *rand.Rand) {
	return func(_ *Faulty, w http.ResponseWriter, r *http.Request, served *recorder, random *rand.Rand) {
		copyHead(w, served)
		_, _ = w.Write(change(served.body.Bytes(), r, random))
	}
}

func copyHead(w http.ResponseWriter, served *recorder) {
	for name, values := range served.header {
		w.Header()[name] = values
	}
	w.WriteHeader(served.status)
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// pause sleeps; it returns false if ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
