package sandbox

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"modernc.org/sqlite" // the driver, in pure Go
)

const (
	// applicationID marks a file as a sandbox's: "POLT".
	applicationID = 0x504f4c54
	schemaVersion = 2
	// oldestVersion is the oldest schema that can be migrated.
	oldestVersion = 1
	readers       = 4
)

//go:embed schema.sql
var schema string

// database stores the platform's state. All writes use one connection, so they
// never wait for each other's locks.
type database struct {
	write *sql.DB
	read  *sql.DB // the same as write if in memory, where each connection is a database of its own

	writes, reads *statements // of write and read

	mu     sync.RWMutex // held for reading by every transaction
	closed bool
}

// openDatabase opens the database in a file, or in memory if path is empty.
// create fills a new one, in the transaction that creates its schema.
func openDatabase(ctx context.Context, path string, create func(querier) error) (*database, error) {
	d := &database{}
	if path == "" {
		d.write = openPool(":memory:?_txlock=immediate&_foreign_keys=1", 1)
		d.read = d.write
	} else {
		// Before enabling WAL, which would modify another application's file.
		if err := inspectFile(ctx, path); err != nil {
			return nil, err
		}
		// NORMAL loses nothing if the process is killed. A power cut may lose
		// the last writes but does not corrupt the file.
		settings := "_busy_timeout=10000&_foreign_keys=1&_synchronous=NORMAL"
		d.write = openPool(fileURI(path, settings+"&_journal_mode=WAL&_txlock=immediate"), 1)
		d.read = openPool(fileURI(path, settings+"&_query_only=1"), readers)
	}
	d.writes = newStatements(d.write)
	d.reads = newStatements(d.read)
	if err := d.prepare(ctx, create); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func openPool(dsn string, size int) *sql.DB {
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		panic("sandbox: " + err.Error()) // impossible: the driver is imported
	}
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	return pool
}

// fileURI returns path as an SQLite URI, escaped so that no part of it is taken
// for the query.
func fileURI(path, query string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/…
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: query}
	return u.String()
}

var errNotADatabase = errors.New("the file is not a database")

// inspectFile returns an error if a file is not a sandbox's. It does not change
// the file.
func inspectFile(ctx context.Context, path string) error {
	// SQLite treats a file shorter than its header as an empty database.
	const header = 100
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < header {
		return errNotADatabase
	}
	pool := openPool(fileURI(path, "_busy_timeout=10000"), 1)
	_, err := inspect(ctx, pool)
	return errors.Join(err, pool.Close())
}

// inspect returns the database's schema version, 0 if it is empty. It fails if
// the database is another application's or of an unsupported version.
func inspect(ctx context.Context, q querier) (version int64, err error) {
	var application, tables int64
	err = q.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&application, &version, &tables)
	const notADatabase = 26 // SQLITE_NOTADB
	var failed *sqlite.Error
	switch {
	case errors.As(err, &failed) && failed.Code()&0xff == notADatabase:
		return 0, errNotADatabase
	case err != nil:
		return 0, err
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, errors.New("the file is the database of another application")
	case version > schemaVersion:
		return 0, fmt.Errorf("the file was written by a newer version of the sandbox: it has schema %d, and this one knows %d", version, schemaVersion)
	case version < oldestVersion:
		return 0, fmt.Errorf("the file was written by an older version of the sandbox: it has schema %d, and this one needs %d", version, oldestVersion)
	}
	return version, nil
}

// prepare initializes an empty database and migrates an old one.
func (d *database) prepare(ctx context.Context, create func(querier) error) error {
	return d.transact(ctx, true, func(tx querier) error {
		// Again, now that the transaction excludes other processes.
		version, err := inspect(ctx, tx)
		if err != nil || version == schemaVersion {
			return err
		}
		if _, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", schemaVersion)); err != nil {
			return err
		}
		if version == 1 {
			return addEvents(ctx, tx)
		}
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d; %s; %s", applicationID, schema, eventsSchema))
		if err != nil {
			return fmt.Errorf("make the schema: %w", err)
		}
		return create(tx)
	})
}

// errClosed is returned after close.
var errClosed = errors.New("the sandbox is closed")

// transact runs f in a transaction and commits it unless f fails. ctx bounds
// the wait for a connection only: a transaction is short and is not
// interrupted.
func (d *database) transact(ctx context.Context, write bool, f func(querier) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.closed {
		return errClosed
	}
	pool, statements := d.read, d.reads
	if write {
		pool, statements = d.write, d.writes
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	var queries *prepared
	defer func() {
		_ = conn.Close() // back to the pool
		if queries != nil {
			queries.end(ctx)
		}
	}()
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), &sql.TxOptions{ReadOnly: !write})
	if err != nil {
		return err
	}
	queries = statements.begin(tx)
	if err := f(queries); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// close waits for running transactions and closes the database.
func (d *database) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	if d.read == d.write {
		return d.write.Close()
	}
	// The writer last: it checkpoints the write-ahead log.
	return errors.Join(d.read.Close(), d.write.Close())
}
