// Package browser looks at the board as people do: in Chromium, with a sandbox
// and agents that run as their own processes. It is a module of its own, so
// that building and testing polt-mcp needs no browser.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// command is the built polt-mcp.
var command string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	command = filepath.Join(dir, "polt-mcp")
	cmd := exec.Command("go", "build", "-o", command, "./cmd/polt-mcp")
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// world is a sandbox that serves its board.
type world struct {
	t      *testing.T
	url    string
	signIn string
	key    string // the CTO's
	home   string // of the agents
}

// startWorld starts a sandbox, which ends with the test.
func startWorld(t *testing.T, args ...string) *world {
	t.Helper()
	cmd := exec.Command(command, append([]string{"sandbox", "--addr", "127.0.0.1:0"}, args...)...)
	cmd.Env = []string{"HOME=" + t.TempDir()}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the sandbox ended with %v", err)
		}
	})
	w := &world{t: t, home: t.TempDir()}
	lines := bufio.NewScanner(out)
	for lines.Scan() && (w.url == "" || w.signIn == "" || w.key == "") {
		for pattern, into := range map[string]*string{
			`POLT sandbox on (\S+)`: &w.url, `(http\S+/signin\?code=\S+)`: &w.signIn, `CTO key: (\S+)`: &w.key,
		} {
			if m := regexp.MustCompile(pattern).FindStringSubmatch(lines.Text()); m != nil {
				*into = m[1]
			}
		}
		if w.url != "" && w.signIn != "" && w.key != "" {
			return w
		}
	}
	t.Fatal("the sandbox has not said where it is")
	return nil
}

// call calls a tool as an agent does from the command line, and decodes the
// answer.
func (w *world) call(out any, tool string, arguments ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), command, append([]string{"call", tool, "--json"}, arguments...)...)
	cmd.Env = []string{"HOME=" + w.home, "XDG_CONFIG_HOME=" + w.home, "POLT_API_URL=" + w.url}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	answer, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s %q: %v\n%s", tool, arguments, err, stderr.String())
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(answer, out); err != nil {
		w.t.Fatalf("%s: %v\n%s", tool, err, answer)
	}
}

// cto asks the platform for something that only its CTO may.
func (w *world) cto(method, path, body string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

// tab is a tab of a browser of its own, which ends with the test. A script that
// fails, a policy that is violated and a request to anywhere else fail the test.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex
	faults []string
	allow  func(fault string) bool
}

// patience bounds each thing that a tab is told to do.
const patience = 20 * time.Second

func openTab(t *testing.T, only string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("Chromium is missing: install Debian's package chromium")
	}
	fonts, err := filepath.Abs("fonts.conf")
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: a process of Chromium may write there yet as it is removed.
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(profile),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-features", "IsolateSandboxedIframes"), // so that a test can look into a view
		chromedp.Flag("font-render-hinting", "none"), chromedp.Env("FONTCONFIG_FILE="+fonts))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, allow: func(string) bool { return false }}
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			b.fault("script: " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError {
				b.fault(e.Entry.Text + " " + e.Entry.URL)
			}
		case *network.EventRequestWillBeSent:
			if u := e.Request.URL; !strings.HasPrefix(u, only) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") {
				b.fault("a request to " + u)
			}
		case *page.EventJavascriptDialogOpening:
			b.fault("a dialog: " + e.Message)
		}
	})
	b.do(network.Enable(), log.Enable(), runtime.Enable(), page.Enable(),
		browser.GrantPermissions([]browser.PermissionType{browser.PermissionTypeClipboardReadWrite, browser.PermissionTypeClipboardSanitizedWrite}))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, f := range b.faults {
			t.Error("in the browser: " + f)
		}
	})
	return b
}

func (b *tab) fault(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.allow(text) {
		b.faults = append(b.faults, text)
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if b.ctx.Value(startedKey{}) == nil {
		// The first run starts the browser, whose life is its context's.
		b.ctx = context.WithValue(b.ctx, startedKey{}, true)
		if err := chromedp.Run(b.ctx, actions...); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	if err := chromedp.Run(ctx, actions...); err != nil {
		var text string
		_ = chromedp.Run(b.ctx, chromedp.Evaluate(`location.href + "\n" + document.body.innerText.slice(0, 1500)`, &text))
		b.t.Fatalf("%v, on %s", err, text)
	}
}

type startedKey struct{}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do(chromedp.Navigate(url), chromedp.WaitReady("main"))
}

// until waits until an expression is true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.await(expression, func() bool {
		var holds bool
		// It fails while a page makes way for the next.
		err := chromedp.Run(b.ctx, chromedp.Evaluate("(() => { try { return Boolean("+expression+") } catch { return false } })()", &holds))
		return err == nil && holds
	})
}

// await waits until something holds.
func (b *tab) await(what string, holds func() bool) {
	b.t.Helper()
	timeout := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-timeout:
			var text string
			_ = chromedp.Run(b.ctx, chromedp.Evaluate(`location.href + "\n" + document.body.innerText.slice(0, 1500)`, &text))
			b.t.Fatalf("%s is not so, on %s", what, text)
		}
	}
}

// reads waits until the page has a text.
func (b *tab) reads(text string) {
	b.t.Helper()
	quoted, _ := json.Marshal(text)
	b.until("document.body.innerText.includes(" + string(quoted) + ")")
}

// press presses a key as a keyboard does: what it would type is not typed where
// the page takes the key for itself.
func (b *tab) press(key string) {
	b.t.Helper()
	b.until(`document.documentElement.classList.contains("scripted")`) // its script listens
	b.do(input.DispatchKeyEvent(input.KeyDown).WithKey(key).WithText(key), input.DispatchKeyEvent(input.KeyUp).WithKey(key))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

func eval[T any](b *tab, expression string) (value T) {
	b.t.Helper()
	b.do(chromedp.Evaluate(expression, &value, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return value
}

// looks sets how wide the page is, and whether it is light or dark.
func (b *tab) looks(width, height int64, theme string) {
	b.t.Helper()
	b.do(emulation.SetDeviceMetricsOverride(width, height, 1, width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}))
}

// screenshot keeps a picture of the page.
func (b *tab) screenshot(name string) {
	b.t.Helper()
	var png []byte
	b.do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
