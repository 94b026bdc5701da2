package web

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Hosts are the Host and Origin headers that are allowed. The check keeps web
// pages, in the browser of someone who can reach the server, from calling it, also
// by DNS rebinding.
type Hosts struct {
	// Loopback means that the server listens on loopback addresses only: their
	// names are allowed as Host, and their pages as Origin. Otherwise localhost and
	// any IP address are allowed as Host, which DNS rebinding cannot forge.
	Loopback bool
	// Allowed are further hosts, whose ports are ignored; "*" allows any.
	Allowed []string
	// Origins are the origins whose pages may call, such as
	// https://example.org; "*" allows any.
	Origins []string
}

// IsLoopback reports whether a host, with or without a port, is localhost or a
// loopback address.
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

// origin reports whether an Origin header is allowed; an empty one always is.
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
