package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies whose Forwarded and X-Forwarded-For
// headers are trusted. The zero value trusts none.
//
// Libraries for this split Forwarded at every comma and semicolon, even quoted
// ones: a client could then inject elements through a Host header that a proxy
// copies into host="…".
type Proxies []netip.Prefix

// ParseProxies parses networks, such as 10.0.0.0/8, and addresses.
func ParseProxies(networks []string) (Proxies, error) {
	var all Proxies
	for _, text := range networks {
		text = strings.TrimSpace(text)
		network, err := netip.ParsePrefix(text)
		if address, addressErr := netip.ParseAddr(text); addressErr == nil {
			network, err = netip.PrefixFrom(address.WithZone(""), address.BitLen()), nil
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("%q is not a network or an address, such as 10.0.0.0/8 or 192.0.2.10", text)
		case network.Addr().Is4In6():
			return nil, fmt.Errorf("%s is an IPv4 address in IPv6 notation: write it as IPv4", text)
		case network.Bits() == 0:
			return nil, fmt.Errorf("%s trusts every address, so that anybody could claim any address: name the networks of your proxies", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (p Proxies) contains(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// client returns the address of a request's client: the peer's or, while that is
// a trusted proxy, the one that the proxy forwards for. Each proxy appends the
// last entry of the header; anyone may have written the entries before it.
//
// If a trusted proxy's entry is missing or invalid, client returns the proxy's
// address. It does so, too, and reports that, if its two headers disagree.
func (p Proxies) client(r *http.Request) (address string, disagree bool) {
	peer, ok := parseAddress(r.RemoteAddr)
	switch {
	case !ok:
		return r.RemoteAddr, false
	case !p.contains(peer):
		return peer.String(), false
	}
	_, hasForwarded := r.Header["Forwarded"]
	_, hasXForwardedFor := r.Header["X-Forwarded-For"]
	switch {
	case hasForwarded && hasXForwardedFor:
		// The proxy writes one of them, and may pass on the client's own copy of the
		// other. Trust them only if they agree.
		one, other := p.walk(peer, forwarded(r.Header)), p.walk(peer, xForwardedFor(r.Header))
		if one != other {
			return peer.String(), true
		}
		return one.String(), false
	case hasForwarded:
		return p.walk(peer, forwarded(r.Header)).String(), false
	case hasXForwardedFor:
		return p.walk(peer, xForwardedFor(r.Header)).String(), false
	}
	return peer.String(), false
}

// isForwarded reports whether a request has a proxy's headers.
func isForwarded(r *http.Request) bool {
	return len(r.Header["Forwarded"])+len(r.Header["X-Forwarded-For"]) > 0
}

// hintAtProxy logs, once, that requests seem to come through an untrusted proxy,
// whose clients then share one limit. It warns for private addresses, probably
// the operator's own proxy; elsewhere anybody may send the headers.
func (s *Server) hintAtProxy(r *http.Request) {
	if s.hinted.Load() || !isForwarded(r) {
		return
	}
	if peer, ok := parseAddress(r.RemoteAddr); ok && !s.options.Proxies.contains(peer) && !s.hinted.Swap(true) {
		event := s.options.Log.Info()
		if peer.IsLoopback() || peer.IsPrivate() {
			event = s.options.Log.Warn()
		}
		event.Stringer("address", peer).
			Msg("requests are forwarded by a proxy that is not trusted, so its clients share one limit: if the proxy is yours, set --trusted-proxy to its address")
	}
}

// hintAtDisagreement logs, once, that the headers of a trusted proxy disagree. A
// client may have sent the one that the proxy does not write, to be counted as
// the proxy.
func (s *Server) hintAtDisagreement(proxy string) {
	if !s.hintedAtDisagreement.Swap(true) {
		s.options.Log.Warn().Str("address", proxy).
			Msg("the headers Forwarded and X-Forwarded-For of a trusted proxy disagree, so the request counts as the proxy's own: have the proxy remove the header that it does not write")
	}
}

// hops returns the entries of a header one by one, from the right, and false at
// the end or if an entry is not an address.
type hops func() (netip.Addr, bool)

// walk follows the hops as long as they are trusted proxies, and returns the
// first address that is not one.
func (p Proxies) walk(from netip.Addr, next hops) netip.Addr {
	for p.contains(from) {
		address, ok := next()
		if !ok {
			break
		}
		from = address
	}
	return from
}

func xForwardedFor(h http.Header) hops {
	lines := h["X-Forwarded-For"]
	line, inLine := "", false
	return func() (netip.Addr, bool) {
		if !inLine {
			if len(lines) == 0 {
				return netip.Addr{}, false
			}
			last := len(lines) - 1
			line, lines, inLine = lines[last], lines[:last], true
		}
		comma := strings.LastIndexByte(line, ',')
		entry := line[comma+1:]
		line, inLine = line[:max(comma, 0)], comma >= 0
		return parseAddress(strings.TrimSpace(entry))
	}
}

// forwarded returns the hops of the Forwarded header (RFC 7239). Identifiers that
// are not addresses, such as unknown and _proxy, end them.
func forwarded(h http.Header) hops {
	lines := h["Forwarded"]
	var entries []string // left of the current line
	return func() (netip.Addr, bool) {
		for len(entries) == 0 {
			if len(lines) == 0 {
				return netip.Addr{}, false
			}
			last := len(lines) - 1
			var ok bool
			if entries, ok = forwardedFor(lines[last]); !ok {
				return netip.Addr{}, false
			}
			lines = lines[:last]
		}
		last := len(entries) - 1
		entry := entries[last]
		entries = entries[:last]
		return parseAddress(entry)
	}
}

// forwardedFor returns the value of "for" in each element of a Forwarded header,
// "" if missing. It returns false for a malformed header, in which the client's
// part cannot be told from the proxy's.
func forwardedFor(header string) (values []string, ok bool) {
	rest := header
	for {
		var element map[string]string
		if element, rest, ok = forwardedElement(rest); !ok {
			return nil, false
		}
		if len(element) > 0 {
			values = append(values, element["for"])
		}
		if rest == "" {
			return values, true
		}
		if rest[0] != ',' {
			return nil, false
		}
		rest = rest[1:]
	}
}

// forwardedElement parses the parameters of an element, without duplicates.
func forwardedElement(s string) (element map[string]string, rest string, ok bool) {
	element = map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t")
		if n := tokenLen(s); n > 0 {
			name, value := strings.ToLower(s[:n]), ""
			if _, twice := element[name]; twice || !strings.HasPrefix(s[n:], "=") {
				return nil, "", false
			}
			if value, s, ok = tokenOrQuoted(s[n+1:]); !ok {
				return nil, "", false
			}
			element[name] = value
			s = strings.TrimLeft(s, " \t")
		}
		if !strings.HasPrefix(s, ";") {
			return element, s, true
		}
		s = s[1:]
	}
}

// tokenOrQuoted parses a token or a quoted string (RFC 9110, section 5.6).
func tokenOrQuoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := tokenLen(s)
		// Many proxies quote neither IPv6 addresses nor addresses with ports.
		for n < len(s) && (s[n] == ':' || s[n] == '[' || s[n] == ']' || tokenLen(s[n:]) > 0) {
			n++
		}
		return s[:n], s[n:], n > 0
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// tokenLen returns the length in bytes of the token at the start of s.
func tokenLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return i
		}
	}
	return len(s)
}

// parseAddress parses an address with an optional port and optional brackets. It
// unmaps IPv4-mapped IPv6 addresses, and drops the zone, which is only meaningful
// on its own machine. The unspecified address is invalid.
func parseAddress(s string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(s)
	if err != nil {
		host, port, splitErr := net.SplitHostPort(s)
		switch {
		case splitErr == nil && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(port, "_"): // RFC 7239 allows obfuscated ports
			return netip.Addr{}, false
		case splitErr == nil:
			s = host
		case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
			s = s[1 : len(s)-1]
		}
		address, err = netip.ParseAddr(s)
	}
	address = address.WithZone("").Unmap()
	return address, err == nil && !address.IsUnspecified()
}

// network returns an IPv4 address as it is, and the /64 of an IPv6 address, as one
// machine may have all of it.
func network(address string) string {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return address
}
