package main

import (
	"fmt"
	"io"
	"os"
	"testing"
)

func TestWhatADependencyPrintsDoesNotReachStandardOutput(t *testing.T) {
	stdout, stderr := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = stdout, stderr }()
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout, os.Stderr = outW, errW
	protocol := takeStdout()
	_, printErr := fmt.Println("a careless dependency") //nolint:forbidigo // that is the point
	_, writeErr := fmt.Fprint(protocol, "{}")
	_, _ = outW.Close(), errW.Close()
	if printErr != nil || writeErr != nil {
		t.Fatal(printErr, writeErr)
	}
	for name, c := range map[string]struct {
		r    io.Reader
		want string
	}{"standard output": {outR, "{}"}, "standard error": {errR, "a careless dependency\n"}} {
		if got, err := io.ReadAll(c.r); err != nil || string(got) != c.want {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	_, _ = outR.Close(), errR.Close()
}
