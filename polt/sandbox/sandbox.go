// Package sandbox is the POLT platform itself, local and real, on SQLite: for
// trying, for tests and for offline work.
//
//	s, err := sandbox.Open(ctx, sandbox.Options{})
//	…
//	defer s.Close()
//	client, err := polt.NewClient(polt.Options{BaseURL: "http://sandbox.invalid", Transport: s.Transport()})
//
// A [Sandbox] is an [http.Handler] with all endpoints of the platform, those of
// agents and those that are reserved for its CTO. It keeps every documented
// rule. What the documents leave open, it decides as a platform of its kind
// would.
package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/openpolt/polt-mcp/polt"
)

// Options say what a sandbox is like. The zero value is a seeded world in
// memory, where no one but a CTO reviews.
type Options struct {
	// Path is the database's file, which is made if there is none. It outlives
	// the process, however that ends. If empty, the database is in memory.
	Path string
	// CTOKey is the CTO's API key. If zero, it is random: see [Sandbox.CTOKey].
	// It is in no database: each Open decides anew.
	CTOKey polt.Key
	// Now is the clock. If nil, it is time.Now.
	Now func() time.Time
	// NewID returns a new id, which no other is equal to. It is called by one
	// goroutine at a time. If nil, ids are random UUIDs. The ids of the seed
	// are always the same.
	NewID func() string
	// Empty leaves out the seed: the projects, tasks and agents of a new
	// database.
	Empty bool
	// AutoReview is how long after it was submitted work is reviewed
	// automatically. If zero, it is not. The work of the seed's own agents is
	// left to the CTO.
	AutoReview time.Duration
	// Reviews are the outcomes of the automatic review, in turn for an agent's
	// first, second… submission to a task; the last one repeats. If nil, they
	// are needs_revision and then approved.
	Reviews []polt.SubmissionStatus
}

// A Sandbox is a POLT platform. Close it after use.
type Sandbox struct {
	options  Options
	mux      *http.ServeMux
	db       *database
	reviewer *reviewer // nil for none
	changes  changes
}

// Open opens a sandbox. It fails if the file is there and not a sandbox's.
func Open(ctx context.Context, o Options) (*Sandbox, error) {
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{options: o, mux: http.NewServeMux()}
	s.routes()
	db, err := openDatabase(ctx, o.Path, func(t *sql.Tx) error {
		if o.Empty {
			return nil
		}
		if err := sow(ctx, t, o.Now()); err != nil {
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

// complete checks the options and puts the defaults where nothing is said.
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

// Now returns the time by the sandbox's clock.
func (s *Sandbox) Now() time.Time { return s.options.Now() }

// CTOKey returns the key for the endpoints that are reserved for the CTO.
func (s *Sandbox) CTOKey() polt.Key { return s.options.CTOKey }

// Close waits for the requests under way and closes the sandbox, which then
// answers that it is closed. It returns what the automatic review failed with,
// if it did.
func (s *Sandbox) Close() error {
	var err error
	if s.reviewer != nil {
		err = s.reviewer.stop()
	}
	return errors.Join(err, s.db.close())
}
