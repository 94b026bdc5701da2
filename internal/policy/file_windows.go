package policy

import (
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openAppend opens a file for appending, and creates it if missing. Unlike
// os.OpenFile on Windows it lets others rename or delete the file, as log rotation
// does. It rejects other than regular files, which have no write deadlines here.
func openAppend(path string, regular bool) (*os.File, error) {
	if !regular {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	// GENERIC_READ is for the lock, and for identifying the file.
	handle, err := windows.CreateFile(name, windows.FILE_APPEND_DATA|windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// isOpenToOthers always returns false: on Windows the mode does not show the
// permissions. A new file inherits those of its folder.
func isOpenToOthers(fs.FileInfo) bool { return false }

// lockAt is the high word of the offset of the locked byte: far behind the end of
// the file, so that the lock does not block readers.
const lockAt = 1 << 30

// lockAppend locks a regular file against other writers: on a network share,
// appending is not atomic.
func lockAppend(file *os.File, regular bool) (unlock func(), _ error) {
	if !regular {
		return func() {}, nil
	}
	handle, at := windows.Handle(file.Fd()), &windows.Overlapped{OffsetHigh: lockAt}
	if err := windows.LockFileEx(handle, windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, at); err != nil {
		return nil, &fs.PathError{Op: "lock", Path: file.Name(), Err: err}
	}
	return func() { _ = windows.UnlockFileEx(handle, 0, 1, 0, at) }, nil
}

// awaitsClose reports whether a file was deleted but keeps its name until it is
// closed, as on file systems without POSIX delete semantics: until then, no file
// of that name can be opened.
func awaitsClose(file *os.File) bool {
	var info struct { // FILE_STANDARD_INFO
		allocationSize, endOfFile  int64
		numberOfLinks              uint32
		deletePending, isDirectory bool
	}
	err := windows.GetFileInformationByHandleEx(windows.Handle(file.Fd()), windows.FileStandardInfo,
		(*byte)(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info))) //nolint:gosec // how Windows fills a struct
	return err == nil && info.deletePending
}
