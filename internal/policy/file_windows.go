package policy

import (
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// openAppend opens a file to append to, which is made where there is none. Others
// may rename or delete it meanwhile, as who rotates it does: os.OpenFile does not
// let them on Windows. What is no regular file is refused: there is no deadline
// for writing to it here.
func openAppend(path string, regular bool) (*os.File, error) {
	if !regular {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	// GENERIC_READ is for the lock, and to learn which file it is.
	handle, err := windows.CreateFile(name, windows.FILE_APPEND_DATA|windows.GENERIC_READ,
		windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(handle), path), nil
}

// isOpenToOthers reports nothing: who may do what is not in the mode here. A new
// file has the rights that its folder gives.
func isOpenToOthers(fs.FileInfo) bool { return false }

// lockAt is where the byte is that is locked: far behind the end of the file, so
// that the lock keeps nobody from reading.
const lockAt = 1 << 30

// lockAppend locks a regular file against others who append to it: on a network
// share, to append is to find the end and to write there.
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

// awaitsClose reports whether a file was deleted and keeps its name until it is
// closed, as on file systems without the deletes of POSIX: meanwhile nobody can
// open a file of that name.
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
