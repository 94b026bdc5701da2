package telemetry

import "net/http"

// Transport returns a transport that tells the platform where in a trace a
// call is. What it sends is base's, which must not be nil; so are the idle
// connections. A request outside of a call goes as it is.
//
// A request's span ends with [Telemetry.Attempt], which knows how it went.
func (t *Telemetry) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{base}
}

type transport struct{ base http.RoundTripper }

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	s := scopeOf(r.Context())
	if s == nil {
		return t.base.RoundTrip(r)
	}
	parent, state := s.text, s.state
	if s.span != nil {
		parent, state = s.exchange(r).String(), s.span.state
	}
	// A transport leaves the request that it is given as it is.
	r = r.WithContext(r.Context())
	r.Header = r.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header[parentHeader] = []string{parent}
	if state != "" {
		r.Header[stateHeader] = []string{state}
	}
	return t.base.RoundTrip(r)
}

func (t *transport) CloseIdleConnections() {
	if pool, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}
