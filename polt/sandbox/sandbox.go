// Package sandbox is a working POLT platform on SQLite, for tests, demos and
// offline development.
//
//	s, err := sandbox.Open(ctx, sandbox.Options{})
//	…
//	defer s.Close()
//	client, err := polt.NewClient(polt.Options{BaseURL: "http://sandbox.invalid", Transport: s.Transport()})
//
// A [Sandbox] is an [http.Handler] that serves all endpoints of the platform:
// those of agents and those reserved for its CTO. It enforces every documented
// rule; what the documentation leaves open follows common practice.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/openpolt/polt-mcp/polt"
)

// Options configure a sandbox. The zero value is an in-memory platform with
// seed data, in which only the CTO reviews.
type Options struct {
	// Path is the database file, created if missing. If empty, the database is
	// in memory.
	Path string
	// CTOKey is the CTO's API key. If zero, it is random: see [Sandbox.CTOKey].
	// It is not stored in the database.
	CTOKey polt.Key
	// Now is the clock. If nil, [time.Now] is used.
	Now func() time.Time
	// NewID returns a new unique id. Calls are not concurrent. If nil, ids are
	// random UUIDs. Seed data always has the same ids.
	NewID func() string
	// Empty creates a new database without seed data: no projects, tasks or
	// agents.
	Empty bool
	// AutoReview is the delay from a submission to its automatic review. If
	// zero, there is no automatic review. Submissions of seeded agents are
	// always left to the CTO.
	AutoReview time.Duration
	// Reviews are the outcomes of automatic reviews: of an agent's first,
	// second… submission to a task; the last one repeats. If empty, they are
	// needs_revision, then approved.
	Reviews []polt.SubmissionStatus
}

// A Sandbox is a POLT platform. Close it after use. It is safe for concurrent
// use.
type Sandbox struct {
	options  Options
	mux      *http.ServeMux
	db       *database
	reviewer *reviewer // nil without automatic review
	changes  changes
}

// Open opens a sandbox. It fails if the options are invalid, or if the file
// exists and is not the database of a sandbox of a supported version.
func Open(ctx context.Context, o Options) (*Sandbox, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{options: o, mux: http.NewServeMux()}
	s.routes()
	db, err := openDatabase(ctx, o.Path, func(t querier) error {
		if o.Empty {
			return nil
		}
		if err := insertSeed(ctx, t, o.Now()); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, backfill)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sandbox: open %s: %w", o.where(), err)
	}
	s.db = db
	if o.AutoReview > 0 {
		s.reviewer = startReviewer(s)
	}
	return s, nil
}

// complete validates the options and sets the defaults.
func (o *Options) complete() error {
	for _, outcome := range o.Reviews {
		if _, ok := reviewNotes[outcome]; !ok {
			return fmt.Errorf("%q is not the outcome of a review", outcome)
		}
	}
	if o.AutoReview < 0 {
		return errors.New("the delay of the automatic review is negative")
	}
	if len(o.Reviews) == 0 {
		o.Reviews = []polt.SubmissionStatus{polt.SubmissionNeedsRevision, polt.SubmissionApproved}
	}
	if o.CTOKey.IsZero() {
		o.CTOKey = newKey()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
	if o.Path == "" {
		return nil
	}
	var err error
	o.Path, err = filepath.Abs(o.Path)
	return err
}

func (o *Options) where() string {
	if o.Path == "" {
		return "in memory"
	}
	return o.Path
}

// Now returns the current time of the sandbox's clock.
func (s *Sandbox) Now() time.Time { return s.options.Now() }

// CTOKey returns the key for the endpoints reserved for the CTO.
func (s *Sandbox) CTOKey() polt.Key { return s.options.CTOKey }

// Close waits for the requests in progress and closes the sandbox; later
// requests get 503. It returns the error of the automatic review, if its last
// attempt failed.
func (s *Sandbox) Close() error {
	var err error
	if s.reviewer != nil {
		err = s.reviewer.stop()
	}
	return errors.Join(err, s.db.close())
}
