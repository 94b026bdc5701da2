package policy

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/rs/zerolog"
)

// lineFile is a file to which lines are appended. It may be a pipe or a device.
// Several processes can share a regular file, as each line is appended in one
// system call. They cannot share a pipe, which splits long lines, so that others'
// may come between. A lineFile must not be used concurrently.
type lineFile struct {
	path string
	log  zerolog.Logger
	file *os.File
	info fs.FileInfo // of the file when it was opened; nil if it is not a regular file
	torn bool        // the last line is incomplete
}

// patience is the write timeout of a line, for a pipe whose reader has stopped.
const patience = 2 * time.Second

// errStalled is the error of a line that timed out.
var errStalled = errors.New("it is not a regular file, and its reader is too slow")

func openLineFile(path string, log zerolog.Logger) (*lineFile, error) {
	f := &lineFile{path: path, log: log}
	if path == "/dev/stderr" {
		f.openStderr()
		return f, nil
	}
	return f, f.open()
}

// openStderr reopens standard error if it is a pipe and the system allows that,
// so that writes can time out. Anything else is used as it is: a socket cannot be
// reopened, and a file that is open twice would overwrite its own lines. Writes to
// those may block: O_NONBLOCK applies to the open file description, so also to
// the log and to every process that shares it.
func (f *lineFile) openStderr() {
	info, err := os.Stderr.Stat()
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 || f.open() != nil {
		f.file = os.Stderr
	}
}

func (f *lineFile) open() error {
	info, err := os.Stat(f.path)
	regular := err != nil || info.Mode().IsRegular() // if missing it is created, or opening it fails
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

// endsTorn reports whether the last line of a file is incomplete, as after a
// failed write.
func endsTorn(path string) bool {
	file, err := os.Open(path) //nolint:gosec // the file is the operator's choice
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	last := make([]byte, 1)
	if _, err := file.Seek(-1, io.SeekEnd); err != nil { // the file is empty
		return false
	}
	_, err = io.ReadFull(file, last)
	return err == nil && last[0] != '\n'
}

// follow reopens the path if the file was renamed or deleted, such as by log
// rotation.
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

// append appends a line, including its newline. It times out after patience from
// when it was requested (asked), so that queued writes wait no longer than one.
func (f *lineFile) append(line []byte, asked time.Time) error {
	if err := f.follow(); err != nil {
		return err
	}
	if f.file != os.Stderr { // the log shares its deadline
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
		return nil // the log uses it, too
	}
	return f.file.Close()
}
