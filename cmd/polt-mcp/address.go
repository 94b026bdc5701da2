package main

import (
	"fmt"
	"net"
	"strings"
)

// checkAddr returns an error with a suggestion if a listen address is not
// HOST:PORT. HOST may be empty if the colon is there.
func checkAddr(flag, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	switch {
	case addr == "":
		return fmt.Errorf("--%s is empty: set it to HOST:PORT, such as 127.0.0.1:8080", flag)
	case isPort(addr):
		return fmt.Errorf("--%s %s has no host. For this machine only, use --%s 127.0.0.1:%s; for all of its network interfaces, 0.0.0.0:%s", flag, addr, flag, addr, addr)
	case strings.Contains(addr, "://"):
		return fmt.Errorf("--%s %s is a URL: give HOST:PORT alone, such as 127.0.0.1:8080", flag, addr)
	case err != nil && net.ParseIP(addr) != nil, err != nil && !strings.Contains(addr, ":"):
		return fmt.Errorf("--%s %s has no port: use --%s %s", flag, addr, flag, net.JoinHostPort(addr, "8080"))
	case err != nil:
		return fmt.Errorf("--%s %s is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080", flag, addr)
	case port == "":
		return fmt.Errorf("--%s %s has no port: use --%s %s, or port 0 for a free one", flag, addr, flag, net.JoinHostPort(host, "8080"))
	}
	return nil
}

func isPort(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// everyInterface explains where an address without a host listens, and how to
// listen on this machine only; "" if there is a host.
func everyInterface(flag, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "" {
		return ""
	}
	return fmt.Sprintf("--%s %s listens on all network interfaces. For this machine only, use --%s 127.0.0.1:%s", flag, addr, flag, port)
}

// checkLocalAddr is checkAddr for servers without authentication: they must not
// listen on every interface unless the address says so.
func checkLocalAddr(flag, addr string) error {
	if err := checkAddr(flag, addr); err != nil {
		return err
	}
	if open := everyInterface(flag, addr); open != "" {
		_, port, _ := net.SplitHostPort(addr)
		return fmt.Errorf("%s. If others are meant to reach it, use --%s 0.0.0.0:%s: anybody who reaches it is let in", open, flag, port)
	}
	return nil
}
