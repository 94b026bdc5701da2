package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// startPatience is how long a server that cannot start waits for a client's
// request to report the error to.
const startPatience = 5 * time.Second

// maxFirstLine is the maximum size of a client's first message, in bytes.
const maxFirstLine = 1 << 20

// servesStdio reports whether the arguments start a stdio server.
func servesStdio(args []string) bool {
	return len(args) == 0 || args[0] == "stdio" || strings.HasPrefix(args[0], "-")
}

// failStart responds to a client's first request with the error that prevents
// the start, and returns that error: hosts show a response, but not standard
// error.
func failStart(env *environment, why error) error {
	if file, ok := env.in.(*os.File); ok {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return why // a terminal, or no input
		}
	}
	if why == nil || env.in == nil {
		return why
	}
	first := make(chan []byte, 1)
	go func() { // may block until the process ends
		line, _ := bufio.NewReader(io.LimitReader(env.in, maxFirstLine)).ReadBytes('\n')
		first <- line
	}()
	select {
	case line := <-first:
		var request struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		if json.Unmarshal(line, &request) == nil && len(request.ID) > 0 && request.Method != "" {
			details, err := json.Marshal(mcp.NewJSONRPCErrorDetails(mcp.INTERNAL_ERROR, "polt-mcp cannot start: "+why.Error(), nil))
			if err == nil {
				_, _ = fmt.Fprintf(env.out, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":%s}\n", request.ID, details)
			}
		}
	case <-time.After(startPatience):
	}
	return why
}
