package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The commands of scripts that talk to a server; see [TestScripts].

var listeningAt = regexp.MustCompile(`"addr":"([^"]+)","time":"[^"]*","message":"listening`)

func listening(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		log, _ := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		found := listeningAt.FindAllSubmatch(log, -1)
		if len(found) == len(args)-1 {
			for i, m := range found {
				ts.Setenv(args[i+1], "http://"+string(m[1]))
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("it does not listen: %s", log)
		}
		runtime.Gosched()
	}
}

func post(ts *testscript.TestScript, _ bool, args []string) {
	arguments := "{}"
	if len(args) > 3 {
		arguments = args[3]
	}
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, args[2], arguments)
	req, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if raw, ok := strings.CutPrefix(args[1], "Authorization:"); ok {
		value, err := strconv.Unquote(`"` + strings.TrimSpace(raw) + `"`)
		ts.Check(err)
		req.Header.Set("Authorization", value)
	} else if args[1] != "" {
		req.Header.Set("Authorization", "Bearer "+args[1])
	}
	answer(ts, req, http.StatusOK)
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, args[0], nil)
	ts.Check(err)
	var status int
	_, err = fmt.Sscan(args[1], &status)
	ts.Check(err)
	answer(ts, req, status)
}

func answer(ts *testscript.TestScript, req *http.Request, status int) {
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != status {
		ts.Fatalf("%s answers %d, not %d: %s", req.URL, resp.StatusCode, status, b)
	}
	// The answer is text in a string: the scripts want it plain.
	_, err = fmt.Fprintln(ts.Stdout(), strings.ReplaceAll(string(b), `\"`, `"`))
	ts.Check(err)
}
