package sandbox

import (
	"context"
	"database/sql"
	"sync"
)

// querier is a pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// maxStatements is more than there are queries, filters and orders included.
const maxStatements = 500

// statements are the queries of a pool, prepared once they are run again: to
// parse one takes longer than to run it.
type statements struct {
	pool *sql.DB

	mu  sync.Mutex
	all map[string]*statement
}

type statement struct {
	runs int
	stmt *sql.Stmt // nil until it is prepared
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, all: map[string]*statement{}}
}

// begin returns what runs the queries of a transaction.
func (s *statements) begin(tx *sql.Tx) *prepared {
	return &prepared{tx: tx, statements: s}
}

// run returns a query's statement, if it has one, and whether it is time to
// prepare it.
func (s *statements) run(query string) (stmt *sql.Stmt, isDue bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.all[query]
	if known == nil {
		if len(s.all) < maxStatements {
			s.all[query] = &statement{runs: 1}
		}
		return nil, false
	}
	known.runs++
	return known.stmt, known.runs == 2
}

// prepare prepares a query for the next time. Where that fails, it is tried
// again then.
func (s *statements) prepare(ctx context.Context, query string) {
	stmt, err := s.pool.PrepareContext(ctx, query)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.all[query].runs = 1
		return
	}
	s.all[query].stmt = stmt
}

// prepared runs the queries of a transaction, by their statements where there
// are. A query must not run while its own rows are being read.
type prepared struct {
	tx         *sql.Tx
	statements *statements
	due        []string
}

// statement returns nil if the query has to be parsed.
func (p *prepared) statement(ctx context.Context, query string) *sql.Stmt {
	stmt, isDue := p.statements.run(query)
	if isDue {
		p.due = append(p.due, query)
	}
	if stmt == nil {
		return nil
	}
	return p.tx.StmtContext(ctx, stmt)
}

func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := p.statement(ctx, query); stmt != nil { //nolint:sqlclosecheck // the end of the transaction closes it
		return stmt.ExecContext(ctx, args...)
	}
	return p.tx.ExecContext(ctx, query, args...)
}

func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := p.statement(ctx, query); stmt != nil { //nolint:sqlclosecheck // the end of the transaction closes it
		return stmt.QueryContext(ctx, args...)
	}
	return p.tx.QueryContext(ctx, query, args...)
}

func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := p.statement(ctx, query); stmt != nil { //nolint:sqlclosecheck // the end of the transaction closes it
		return stmt.QueryRowContext(ctx, args...)
	}
	return p.tx.QueryRowContext(ctx, query, args...) //nolint:gosec // the sandbox's own query
}

// end prepares the queries that have run again. The transaction's connection must be
// back in the pool, which may have no other.
func (p *prepared) end(ctx context.Context) {
	for _, query := range p.due {
		p.statements.prepare(ctx, query)
	}
}
