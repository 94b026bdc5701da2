package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/openpolt/polt-mcp/internal/memory"
	"github.com/openpolt/polt-mcp/polt"
	"github.com/openpolt/polt-mcp/polt/sandbox"
)

// The model test has random agents call random tools over each transport, on a
// platform that fails at random, and holds against what they were told what has
// reached the platform. Its time is virtual: nobody waits. "-rapid.checks N"
// makes N runs over each transport; what fails prints the seed that repeats it.

// Each go test makes a few runs. The command line is read after this.
func init() {
	if err := flag.Set("rapid.checks", "30"); err != nil {
		panic(err)
	}
}

func TestModelStdio(t *testing.T) { testModel(t, "stdio") }
func TestModelHTTP(t *testing.T)  { testModel(t, "http") }
func TestModelSSE(t *testing.T)   { testModel(t, "sse") }

func testModel(t *testing.T, transport string) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w *modelWorld
		runs, most := 0, 40 // in one world, which gets slow when it is used for long
		if transport == "stdio" {
			most = 1 // a session remembers who it is, and a run must be the same when it is repeated
		}
		defer func() { w.close() }()
		// rapid would ask for the deadline, which a bubble does not have.
		rapid.Check(struct{ testing.TB }{t}, func(rt *rapid.T) {
			if runs++; w == nil || w.runs >= most || w.broken {
				w.close()
				w = newModelWorld(t, transport, runs)
			}
			w.broken = true // until the run has ended well
			w.run(rt)
			w.broken = false
		})
	})
}

// modelMemory is as little as a server may have: huge answers are in each other's
// way.
const modelMemory = 96 << 20

// A modelWorld is a platform and servers that are used for some runs.
type modelWorld struct {
	t      testing.TB
	stdio  bool
	sse    bool
	model  *model
	sound  *sandbox.Faulty // without faults
	faulty atomic.Pointer[sandbox.Faulty]
	log    lockedBuffer
	memory *memory.Budget // of the servers
	web    *webServer
	slots  []*runAgent // of stdio
	runs   int
	broken bool
}

func newModelWorld(t testing.TB, transport string, number int) *modelWorld {
	s, err := sandbox.Open(t.Context(), sandbox.Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	w := &modelWorld{t: t, model: newModel(s), stdio: transport == "stdio", sse: transport == "sse", memory: memory.NewBudget(modelMemory)}
	if w.sound, err = sandbox.Faults(w.model, sandbox.FaultOptions{}); err != nil {
		t.Fatal(err)
	}
	w.faulty.Store(w.sound)
	args := []string{"--api-url", "http://platform.invalid", "--log-level", "debug"}
	if !w.stdio {
		w.web = startWeb(network{platform: w, memory: w.memory}, &w.log, args...)
		return w
	}
	for i := range 3 {
		file := filepath.Join(t.TempDir(), fmt.Sprintf("%d-%d.json", number, i))
		w.slots = append(w.slots, &runAgent{conn: startStdio(t, network{platform: w, memory: w.memory}, &w.log, w.heard, append(args, "--credentials", file)...)})
	}
	return w
}

func (w *modelWorld) close() {
	if w == nil {
		return
	}
	w.faulty.Store(w.sound)
	for _, a := range w.slots {
		a.conn.close()
	}
	if w.web != nil {
		w.web.close()
	}
	if err := w.model.sandbox.Close(); err != nil {
		w.t.Error(err)
	}
}

// RoundTrip is the network between the servers and the platform.
func (w *modelWorld) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "platform.invalid" {
		w.model.wrongly("a request to another host: %s", r.URL)
	}
	return w.faulty.Load().Transport().RoundTrip(r)
}

// heard looks for keys in what a server says.
func (w *modelWorld) heard(message []byte) { w.wantNoKey("a message", message, "") }

// wantNoKey finds keys, but for one, in what is shown to somebody, also where
// escapes spell them.
func (w *modelWorld) wantNoKey(where string, text []byte, but string) {
	plain := string(text)
	if bytes.Contains(text, []byte(`\u00`)) {
		for c := byte(' '); c < 0x7f; c++ {
			plain = strings.ReplaceAll(plain, fmt.Sprintf(`\u%04x`, c), string(c))
		}
	}
	w.model.mu.Lock()
	defer w.model.mu.Unlock()
	for _, key := range w.model.keys {
		if key != "" && key != but && strings.Contains(plain, key) {
			w.model.fault("a key is in %s: %.600s", where, text)
		}
	}
}

// A runAgent is an agent, with its connection.
type runAgent struct {
	username string
	key      string // which it knows; over stdio the server does
	conn     mcpConn
}

func (a *runAgent) registered() bool { return a.key != "" }

// sends returns the key that is sent for it.
func (a *runAgent) sends() string { return a.key }

// A modelRun is one run.
type modelRun struct {
	world   *modelWorld
	agents  []*runAgent
	project string
	tasks   []string
	calls   int
}

// runFaults are the faults of the runs: all of them.
var runFaults = sandbox.AllFaults()

// drawFaults draws what fails in a run.
func (w *modelWorld) drawFaults(rt *rapid.T) *sandbox.Faulty {
	o := sandbox.FaultOptions{Seed: rapid.Uint64().Draw(rt, "seed of the faults")}
	for range rapid.IntRange(0, 5).Draw(rt, "rules") {
		o.Rules = append(o.Rules, sandbox.FaultRule{
			Fault:  rapid.SampledFrom(runFaults).Draw(rt, "fault"),
			Rate:   rapid.SampledFrom([]float64{0.1, 0.3, 0.7}).Draw(rt, "rate"),
			Method: rapid.SampledFrom([]string{"", "", "POST", "GET"}).Draw(rt, "method"),
		})
	}
	faulty, err := sandbox.Faults(w.model, o)
	if err != nil {
		rt.Fatal(err)
	}
	return faulty
}

func (w *modelWorld) run(rt *rapid.T) {
	w.runs++
	r := &modelRun{world: w}
	stage := rapid.SampledFrom([]polt.ProjectStatus{polt.ProjectIdea, polt.ProjectVoting, polt.ProjectDevelopment}).Draw(rt, "stage")
	var err error
	if r.project, r.tasks, err = w.model.addProject(stage, 4); err != nil {
		rt.Fatal(err)
	}
	if r.agents = w.slots; !w.stdio {
		for range rapid.IntRange(1, 3).Draw(rt, "agents") {
			r.agents = append(r.agents, &runAgent{})
		}
	}
	w.faulty.Store(w.drawFaults(rt))
	for range rapid.IntRange(3, 12).Draw(rt, "steps") {
		r.step(rt)
		r.wantRight(rt)
	}
	r.end()
	synctest.Wait() // what has been written is given back then
	if held := w.memory.Held(); held != 0 {
		rt.Fatalf("%d bytes are held, and nothing is in flight", held)
	}
	w.model.check(r.project)
	w.wantNoKey("the log", w.log.take(), "")
	r.wantRight(rt)
}

// end leaves nothing of the run behind that would be in the way of the next.
func (r *modelRun) end() {
	r.world.faulty.Store(r.world.sound)
	for _, a := range r.agents {
		if !r.world.stdio && a.conn != nil {
			a.conn.close()
		}
		a.username = r.world.model.username(a.key)
	}
	r.world.model.abandonAll(r.tasks)
}

func (r *modelRun) wantRight(rt *rapid.T) {
	r.world.model.mu.Lock()
	wrong := r.world.model.wrong
	r.world.model.wrong = nil
	r.world.model.mu.Unlock()
	if len(wrong) > 0 {
		rt.Fatalf("%s", strings.Join(wrong, "\n"))
	}
}

// step does one thing.
func (r *modelRun) step(rt *rapid.T) {
	switch what := rapid.IntRange(0, 19).Draw(rt, "step"); {
	case what < 2:
		outcome := rapid.SampledFrom([]polt.SubmissionStatus{polt.SubmissionApproved, polt.SubmissionRejected, polt.SubmissionNeedsRevision}).Draw(rt, "outcome")
		if err := r.world.model.review(rapid.SampledFrom(r.tasks).Draw(rt, "reviewed"), outcome); err != nil {
			rt.Fatal(err)
		}
	case what < 4:
		r.read(rt)
	case what < 7:
		var burst []*modelCall
		for range rapid.IntRange(2, 4).Draw(rt, "calls at once") {
			c := r.drawCall(rt)
			alone := c.tool != "register_agent"
			for _, other := range burst {
				alone = alone && !c.same(other) && other.agent.username != "" && (c.tool != "update_profile" || other.tool != "update_profile")
			}
			if alone {
				burst = append(burst, c)
			}
		}
		r.make(rt, burst)
	default:
		r.make(rt, []*modelCall{r.drawCall(rt)})
	}
}

// connect gives an agent a connection that is its own.
func (r *modelRun) connect(a *runAgent) {
	switch {
	case r.world.stdio:
	case !r.world.sse:
		a.conn = httpConn{newMessages(func([]byte) {}), r.world.web}
	default:
		if a.conn != nil { // it was another's: one without a key
			a.conn.close()
		}
		a.conn = startSSE(r.world.t, r.world.web, a.key, func([]byte) {})
	}
}

// make makes calls at once, pings while they wait for the platform, and judges
// what they are answered.
func (r *modelRun) make(rt *rapid.T, calls []*modelCall) {
	before := r.world.model.seen()
	var answers []<-chan []byte
	for _, c := range calls {
		if c.agent.conn == nil {
			r.connect(c.agent)
		}
		answers = append(answers, c.agent.conn.request(c.agent.key, "tools/call", map[string]any{"name": c.tool, "arguments": c.arguments}))
	}
	synctest.Wait()
	for _, c := range calls {
		pong := c.agent.conn.request(c.agent.key, "ping", struct{}{})
		synctest.Wait() // virtual time stands still meanwhile
		select {
		case answer := <-pong:
			if !bytes.Contains(answer, []byte(`"result":{}`)) {
				rt.Fatalf("a ping during %s: %s", c, answer)
			}
		default:
			rt.Fatalf("a ping during %s is not answered", c)
		}
	}
	reads := true
	for i, c := range calls {
		reads = reads && c.method == ""
		raw := <-answers[i]
		if held := r.world.memory.Held(); held > r.world.memory.Size() {
			rt.Fatalf("%d bytes are held, of %d", held, r.world.memory.Size())
		}
		rt.Logf("%s: %.300s", c, raw)
		but := ""
		if c.tool == "register_agent" && !r.world.stdio {
			if a := r.world.model.agent(c.agent.username); a != nil {
				but = a.key
			}
		}
		r.world.wantNoKey(c.tool, raw, but)
		key := c.agent.key
		if err := r.judge(c, raw, r.world.model.since(before)); err != nil {
			rt.Fatalf("%s: %v", c, err)
		}
		if key != c.agent.key {
			r.connect(c.agent)
		}
	}
	if reads {
		r.wantNoWrites(rt, before, calls)
	}
}

// wantNoWrites checks that only reads have reached the platform.
func (r *modelRun) wantNoWrites(rt *rapid.T, before int, what any) {
	for _, o := range r.world.model.since(before) {
		if o.method != "GET" && o.path != "/api/auth/verify" {
			rt.Fatalf("%v wrote: %+v", what, o)
		}
	}
}

// read reads a resource, or gets a prompt: whatever becomes of it, no key is in it.
func (r *modelRun) read(rt *rapid.T) {
	a := rapid.SampledFrom(r.agents).Draw(rt, "reader")
	if a.conn == nil {
		r.connect(a)
	}
	uri := rapid.SampledFrom([]string{"polt://me", "polt://leaderboard", "polt://tasks/" + r.tasks[0], "polt://projects/" + r.project, "polt://agents/nobody", "polt://tasks/..", "polt://guide"}).Draw(rt, "uri")
	method, params := "resources/read", map[string]any{"uri": uri}
	if rapid.Bool().Draw(rt, "prompt") {
		method, params = "prompts/get", map[string]any{"name": "work_on_task", "arguments": map[string]string{"task_id": r.tasks[0]}}
	}
	before := r.world.model.seen()
	raw := <-a.conn.request(a.key, method, params)
	r.world.wantNoKey(method, raw, "")
	var answer struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(raw, &answer); err != nil || (answer.Result == nil) == (answer.Error == nil) {
		rt.Fatalf("%s %v: %.300s", method, params, raw)
	}
	r.wantNoWrites(rt, before, uri)
}

// lockedBuffer is a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since it was called last.
func (l *lockedBuffer) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := bytes.Clone(l.b.Bytes())
	l.b.Reset()
	return taken
}

func (m *model) wrongly(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault(format, args...)
}

// agent returns an agent that is registered, or nil.
func (m *model) agent(username string) *modelAgent {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.agents[username]
}

func (m *model) username(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := m.byKey[key]; a != nil && key != "" {
		return a.username
	}
	return ""
}

// abandonAll ends all commitments to tasks.
func (m *model) abandonAll(tasks []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range tasks {
		if t := m.tasks[id]; t.status == polt.TaskCommitted {
			var ignored any
			if err := m.direct(m.agents[t.holder].key, "POST", "/api/tasks/"+id+"/uncommit", "", &ignored); err != nil {
				m.fault("%v", err)
			}
			t.status, t.holder = polt.TaskAvailable, ""
		}
	}
}
