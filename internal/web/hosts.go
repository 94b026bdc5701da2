package web

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Hosts say which Host and Origin headers are taken. They are what keeps a web
// page, in the browser of someone who can reach the server, from driving it.
type Hosts struct {
	// Loopback says that the server listens on a loopback address only: then
	// its names are taken, and pages from there; else any literal address is,
	// which no page can pretend to be.
	Loopback bool
	// Allowed are further hosts, without their ports; "*" takes any.
	Allowed []string
	// Origins are the origins whose pages may call, such as
	// https://example.org; "*" takes any.
	Origins []string
}

// IsLoopback reports whether a host, with or without a port, is this machine
// to itself.
func IsLoopback(host string) bool {
	host = withoutPort(host)
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func withoutPort(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func (h *Hosts) host(host string) bool {
	name := withoutPort(host)
	if slices.ContainsFunc(h.Allowed, func(a string) bool { return a == "*" || strings.EqualFold(withoutPort(a), name) }) {
		return true
	}
	if h.Loopback {
		return IsLoopback(host)
	}
	_, err := netip.ParseAddr(name)
	return err == nil || strings.EqualFold(name, "localhost")
}

// origin reports whether a page from origin may call; an empty one is no page.
func (h *Hosts) origin(origin string) bool {
	if origin == "" {
		return true
	}
	if slices.ContainsFunc(h.Origins, func(a string) bool { return a == "*" || strings.EqualFold(strings.TrimSuffix(a, "/"), origin) }) {
		return true
	}
	u, err := url.Parse(origin)
	return h.Loopback && err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && IsLoopback(u.Host)
}
