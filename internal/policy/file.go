package policy

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/rs/zerolog"
)

// lineFile is a file that lines are appended to. It may be a pipe or a device.
// Several processes can share a regular file, to which a line is appended with
// one call of the system. They cannot share a pipe, which takes a long line in
// parts, between which it takes what others write. It is for one goroutine at a
// time.
type lineFile struct {
	path string
	log  zerolog.Logger
	file *os.File
	info fs.FileInfo // of the file as it was opened; nil where it stays the same one
	torn bool        // the last line was not written whole
}

// patience is how long a line waits where the file takes none, as a pipe does
// whose reader has stopped.
const patience = 2 * time.Second

// errStalled is what becomes of a line that has waited for that long.
var errStalled = errors.New("it is not a regular file, and its reader is too slow")

func openLineFile(path string, log zerolog.Logger) (*lineFile, error) {
	f := &lineFile{path: path, log: log}
	if path == "/dev/stderr" {
		f.openStderr()
		return f, nil
	}
	return f, f.open()
}

// openStderr opens standard error anew where it is a pipe and the system lets
// it, so that no line has to be waited for. Anything else is used as it is: a
// socket cannot be opened, and in a file that is open twice each would write
// over the other's lines. There a line waits for as long as it takes, and all
// writes with it. Not to wait would have to be set on what is open, and so for
// the log too, and for every process that has it open.
func (f *lineFile) openStderr() {
	info, err := os.Stderr.Stat()
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 || f.open() != nil {
		f.file = os.Stderr
	}
}

func (f *lineFile) open() error {
	info, err := os.Stat(f.path)
	regular := err != nil || info.Mode().IsRegular() // what is not there is made, or opening it says why not
	if err == nil && regular && isOpenToOthers(info) {
		f.log.Warn().Str("mode", info.Mode().String()).Msg("other users can read or write the journal: restrict it to its owner (chmod 600)")
	}
	file, err := openAppend(f.path, regular)
	if err != nil {
		return err
	}
	info, err = file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	f.file, f.info, f.torn = file, nil, false
	if info.Mode().IsRegular() {
		f.info, f.torn = info, endsTorn(f.path)
	}
	return nil
}

// endsTorn reports whether a file ends within a line, as one does that could not
// be written to its end.
func endsTorn(path string) bool {
	file, err := os.Open(path) //nolint:gosec // the file is the operator's choice
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	last := make([]byte, 1)
	if _, err := file.Seek(-1, io.SeekEnd); err != nil { // it is empty
		return false
	}
	_, err = io.ReadFull(file, last)
	return err == nil && last[0] != '\n'
}

// follow begins the file anew where it was moved away or deleted: what would be
// written to it now would not be found.
func (f *lineFile) follow() error {
	if f.info == nil {
		return nil
	}
	before := f.file
	if awaitsClose(before) {
		_ = before.Close() // every line of it was written
		return f.open()
	}
	switch now, err := os.Stat(f.path); {
	case err == nil && os.SameFile(now, f.info):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	_ = before.Close() // every line of it was written
	return nil
}

// append appends a line, which has its newline. It waits until its patience is
// over, counted from when it was asked: those who wait for one another wait no
// longer than one would.
func (f *lineFile) append(line []byte, asked time.Time) error {
	if err := f.follow(); err != nil {
		return err
	}
	if f.file != os.Stderr { // whose deadline would be the log's too
		if err := f.file.SetWriteDeadline(asked.Add(patience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
			return err
		}
	}
	if f.torn {
		line = append([]byte("\n"), line...)
	}
	unlock, err := lockAppend(f.file, f.info != nil)
	if err != nil {
		return err
	}
	n, err := f.file.Write(line)
	unlock()
	if n > 0 {
		f.torn = line[n-1] != '\n'
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = &fs.PathError{Op: "write", Path: f.path, Err: errStalled}
	}
	return err
}

func (f *lineFile) close() error {
	if f.file == os.Stderr {
		return nil // it is not the journal's alone
	}
	return f.file.Close()
}
