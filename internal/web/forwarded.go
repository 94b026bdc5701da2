package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies that are believed to say for whom they
// forward a request. The zero value believes nobody.
//
// The libraries for this split the header Forwarded at every comma and semicolon,
// also where these are quoted: what a client has sent as a Host, and a proxy
// passes on as host="…", would then speak for the proxy.
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

// client returns the address that a request came from: that of who connected or,
// where that is a proxy of ours, whom the proxy says that it forwards for, and so
// on. What a proxy says is the last entry of a header; what is before that, anyone
// may have written.
//
// A proxy that does not say it in a form that is understood stands for its
// clients.
func (p Proxies) client(r *http.Request) string {
	peer, ok := parseAddress(r.RemoteAddr)
	switch {
	case !ok:
		return r.RemoteAddr
	case !p.contains(peer):
		return peer.String()
	}
	_, hasForwarded := r.Header["Forwarded"]
	_, hasXForwardedFor := r.Header["X-Forwarded-For"]
	switch {
	case hasForwarded && hasXForwardedFor:
		// A proxy writes one of them, and may pass on the other as a client wrote
		// it. Which is which is not known, unless both say the same.
		one, other := p.walk(peer, forwarded(r.Header)), p.walk(peer, xForwardedFor(r.Header))
		if one == other {
			return one.String()
		}
	case hasForwarded:
		return p.walk(peer, forwarded(r.Header)).String()
	case hasXForwardedFor:
		return p.walk(peer, xForwardedFor(r.Header)).String()
	}
	return peer.String()
}

// isForwarded reports whether a request says that a proxy forwarded it.
func isForwarded(r *http.Request) bool {
	return len(r.Header["Forwarded"])+len(r.Header["X-Forwarded-For"]) > 0
}

// hintAtProxy logs, the first time, that requests seem to come through a proxy
// that is not trusted: its clients then share their limits. One that is near is
// probably the operator's own; of others, anybody may write the headers.
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

// hops returns the entries of a header one by one, from the right, and false at
// the end, or where one is no address.
type hops func() (netip.Addr, bool)

// walk goes from a proxy to whom it forwards for, as long as it comes to
// proxies.
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

// forwarded reads the header of RFC 7239. Names in it that are no addresses, such
// as unknown and _proxy, end the way.
func forwarded(h http.Header) hops {
	lines := h["Forwarded"]
	var entries []string // of the line that is being read
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
// "" where it has none. It reports whether the header is well formed: in one that
// is not, nobody knows where a client's part ends.
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

// forwardedElement reads the parameters of an element. None may come twice.
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

// tokenOrQuoted reads a token or a quoted string (RFC 9110, section 5.6).
func tokenOrQuoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		n := tokenLen(s)
		// Many proxies do not quote addresses with ports, nor those of IPv6.
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

// tokenLen returns how many bytes of a token s begins with.
func tokenLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return i
		}
	}
	return len(s)
}

// parseAddress parses an address, with or without a port, and with or without
// brackets. An IPv4 address that is written as IPv6 is the same, and a zone says
// nothing to anyone but its machine.
func parseAddress(s string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(s)
	if err != nil {
		host, port, splitErr := net.SplitHostPort(s)
		switch {
		case splitErr == nil && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(port, "_"): // which RFC 7239 has
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

// network returns what tells callers without a key apart: an IPv4 address, or the
// /64 of an IPv6 address, all of which one machine may have.
func network(address string) string {
	if a, err := netip.ParseAddr(address); err == nil && a.Is6() {
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return address
}
