package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// A tx is a request's transaction.
type tx struct {
	ctx   context.Context
	sql   querier
	now   time.Time
	newID func() string
	// changed is set if an event was recorded.
	changed bool
	// committed is called after the commit.
	committed func()
}

// transact runs f in a transaction with the sandbox's clock and ids.
func (s *Sandbox) transact(ctx context.Context, write bool, f func(*tx) error) error {
	t := &tx{ctx: context.WithoutCancel(ctx), now: s.options.Now(), newID: s.options.NewID, committed: func() {}}
	err := s.db.transact(ctx, write, func(q querier) error {
		t.sql = q
		return f(t)
	})
	if err == nil {
		t.committed()
		if t.changed {
			s.changes.publish()
		}
	}
	return err
}

// exec runs a statement that must change exactly one row.
func (t *tx) exec(query string, args ...any) error {
	result, err := t.sql.ExecContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return errors.Join(err, errors.New("the statement did not change one row"))
	}
	return nil
}

// count returns the number that a query selects.
func (t *tx) count(query string, args ...any) (n int, err error) {
	err = t.sql.QueryRowContext(t.ctx, query, args...).Scan(&n)
	return n, err
}

// A scan reads a row's columns.
type scan func(columns ...any) error

// row returns the one row that a query selects, or a 404 error that names its
// kind.
func row[T any](t *tx, kind string, read func(scan) (T, error), query string, args ...any) (T, error) {
	v, err := read(t.sql.QueryRowContext(t.ctx, query, args...).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = refuse(404, "%s not found", kind)
	}
	return v, err
}

// rows returns all rows that a query selects. The result is never nil, which
// JSON would encode as null.
func rows[T any](t *tx, read func(scan) (T, error), query string, args ...any) ([]T, error) {
	found, err := t.sql.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // Err reports the failure
	all := []T{}
	for found.Next() {
		v, err := read(found.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, found.Err()
}
