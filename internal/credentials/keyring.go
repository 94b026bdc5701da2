package credentials

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"
)

// A Keyring stores secrets by account.
type Keyring interface {
	// Available reports whether there is a keyring. It never prompts the user.
	Available() bool
	Get(account string) (string, error)
	Set(account, secret string) error
	// Delete deletes a secret, if it is there.
	Delete(account string) error
}

// SystemKeyring returns the keyring of the operating system: the keychain of
// macOS, the credential manager of Windows, or the secret service of a Linux
// desktop.
func SystemKeyring() Keyring { return systemKeyring{} }

type systemKeyring struct{}

// service is the service name of this program's keyring entries.
const service = "polt-mcp"

// keyringTimeout limits a keyring operation, which may be waiting for the user to
// unlock it.
const keyringTimeout = 3 * time.Second

var errNoKeyring = errors.New("there is none here")

func (systemKeyring) Available() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	// Without a session bus, asking for one would start it.
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join("/run/user", strconv.Itoa(os.Getuid()))
	}
	_, err := os.Stat(filepath.Join(dir, "bus")) //nolint:gosec // the user's own variable, and nothing is read
	return err == nil
}

func (k systemKeyring) Get(account string) (string, error) {
	secret, err := k.do(func() (string, error) { return keyring.Get(service, account) })
	if errors.Is(err, keyring.ErrNotFound) {
		err = errors.New("it is not there")
	}
	return secret, err
}

func (k systemKeyring) Set(account, secret string) error {
	_, err := k.do(func() (string, error) { return "", keyring.Set(service, account, secret) })
	return err
}

func (k systemKeyring) Delete(account string) error {
	_, err := k.do(func() (string, error) { return "", keyring.Delete(service, account) })
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// do runs an operation that may block forever, with keyringTimeout.
func (k systemKeyring) do(what func() (string, error)) (string, error) {
	if !k.Available() {
		return "", errNoKeyring
	}
	type outcome struct {
		secret string
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		secret, err := what()
		done <- outcome{secret, err}
	}()
	select {
	case o := <-done:
		return o.secret, o.err
	case <-time.After(keyringTimeout):
		return "", errors.New("it does not answer: it may be locked")
	}
}
