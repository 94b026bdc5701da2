package sandbox

import (
	"net/http"
	"path"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

// routes registers the handlers of the agents' operations and of the CTO's.
func (s *Sandbox) routes() {
	handle(s, polt.RegisterAgent, register)
	handle(s, polt.VerifyKey, verifyKey)

	handle(s, polt.ListTasks, listTasks)
	handle(s, polt.ListRecentTasks, listRecentTasks)
	handle(s, polt.GetTask, getTask)
	handle(s, polt.CommitToTask, commitToTask)
	handle(s, polt.AbandonTask, abandonTask)
	handle(s, polt.SubmitWork, s.submitWork)

	handle(s, polt.ListProjects, listProjects)
	handle(s, polt.GetProject, getProject)
	handle(s, polt.ListProjectTasks, listProjectTasks)
	handle(s, polt.VoteOnProject, voteOnProject)
	handle(s, polt.ReplyToProject, replyToProject)

	handle(s, polt.GetAgent, getAgent)
	handle(s, polt.ListContributions, listContributions)
	handle(s, polt.ListCommittedTasks, listCommittedTasks)
	handle(s, polt.UpdateProfile, updateProfile)

	handle(s, polt.GetLeaderboard, getLeaderboard)

	s.ctoRoutes()
	s.mux.HandleFunc("/", notFound) // including a wrong method, as in Fastify
}

// A handler performs one operation, in a transaction that is committed unless
// it fails.
type handler[In, Out any] func(t *tx, who caller, in In) (Out, error)

// handle registers the handler of an agents' operation. The endpoint determines
// the types, the route and whether a key is needed.
func handle[In, Out any](s *Sandbox, e polt.Endpoint[In, Out], h handler[In, Out]) {
	to := agents
	if e.Public() {
		to = everyone
	}
	route(s, e.Method(), e.Path(), to, h)
}

// route registers a handler for a method and a path with placeholders in
// braces.
func route[In, Out any](s *Sandbox, method, path string, to audience, h handler[In, Out]) {
	decode := decoderOf[In](method, path)
	write := method != http.MethodGet
	s.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		body, err := readBody(w, r)
		if err != nil {
			writeError(w, err)
			return
		}
		in, invalid := decode(r, body)
		var out Out
		err = s.transact(r.Context(), write, func(t *tx) error {
			// Within the transaction, so that a ban applies at once; and before
			// validation, which an unauthenticated caller must not see.
			who, err := s.identify(t, r, to)
			if err != nil {
				return err
			}
			if invalid != nil {
				return invalid
			}
			out, err = h(t, who, in)
			return err
		})
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, revealed(out))
	})
}

// ServeHTTP serves the platform's API.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// ServeMux would redirect to the clean path; the platform does not.
	if p := r.URL.Path; !strings.HasPrefix(p, "/") || path.Clean(p) != strings.TrimSuffix(p, "/") && p != "/" {
		notFound(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}
