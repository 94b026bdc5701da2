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

// startPatience is how long a server that cannot start waits for a client to
// tell.
const startPatience = 5 * time.Second

// maxFirstLine is how long a client's first message may be.
const maxFirstLine = 1 << 20

// servesStdio reports whether arguments ask for a server over stdio.
func servesStdio(args []string) bool {
	return len(args) == 0 || args[0] == "stdio" || strings.HasPrefix(args[0], "-")
}

// failStart answers a client's first request with why the server does not start,
// and returns that: hosts show such an answer, and not what is on standard error.
func failStart(env *environment, why error) error {
	if file, ok := env.in.(*os.File); ok {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
			return why // a person, or nobody
		}
	}
	if why == nil || env.in == nil {
		return why
	}
	first := make(chan []byte, 1)
	go func() { // it may be blocked until the process ends
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
