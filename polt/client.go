package polt

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// DefaultBaseURL is where the platform is in production.
const DefaultBaseURL = "https://polt.fun.ngrok.app"

const (
	defaultTimeout = 30 * time.Second
	maxAnswer      = 8 << 20 // bytes
)

// Options configure a [Client]. The zero value is a client of the platform in
// production without a key.
type Options struct {
	// BaseURL is where the platform is; empty means [DefaultBaseURL]. It has
	// the scheme http or https and no user, query or fragment. A path in it is
	// put before every endpoint's.
	BaseURL string
	// Key is the agent's; the zero value calls the public endpoints only.
	Key Key
	// Timeout bounds a call with all its tries; 0 means 30 seconds.
	Timeout time.Duration
	// UserAgent is sent as it is; empty means "polt-mcp".
	UserAgent string
	// CAFile names a PEM file of certificates to trust beside the system's;
	// empty means none.
	CAFile string
	// PlaintextProxy lets the environment's HTTP_PROXY see what is sent to an
	// http:// URL, with the key in it. Without it, such requests fail.
	PlaintextProxy bool
	// Transport replaces the network, and CAFile with it; nil means a pool of
	// up to 64 idle connections that uses the environment's proxy and sends
	// each request once. A plain [http.Transport] does not: over HTTP/2 it
	// sends requests again by itself, writes included.
	Transport http.RoundTripper
	// WrapTransport returns what requests go through on their way to the
	// transport, such as for tracing; nil means nothing.
	WrapTransport func(http.RoundTripper) http.RoundTripper
	// OnAttempt is told of each request that was sent, or tried to be; nil
	// means nobody is. It is called by the goroutine that calls.
	OnAttempt func(context.Context, Attempt)
}

// An Attempt is one request to the platform.
type Attempt struct {
	Operation string // the method and the path with its placeholders
	Method    string
	Path      string // as it was sent, after the base URL and without the query
	Number    int    // from 1; over 1, a retry
	Status    int    // 0 where the platform did not answer
	Bytes     int    // of the answer's body
	Duration  time.Duration
	Err       error // nil where the platform answered, whatever the status
}

// A Client calls the platform. Any number of goroutines may use one.
type Client struct {
	base      url.URL
	key       Key
	timeout   time.Duration
	userAgent string
	transport http.RoundTripper
	onAttempt func(context.Context, Attempt)
	once      bool // no request is sent again
}

// NewClient returns a client. It fails where the base URL or the CA file
// cannot be used. It sends nothing.
func NewClient(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	transport := o.Transport
	if transport == nil {
		if transport, err = newTransport(o); err != nil {
			return nil, err
		}
	}
	if o.WrapTransport != nil {
		transport = o.WrapTransport(transport)
	}
	c := &Client{
		base:      *base,
		key:       o.Key,
		timeout:   o.Timeout,
		userAgent: o.UserAgent,
		onAttempt: o.OnAttempt,
		// Not an http.Client, which follows redirects: a redirect would carry
		// the key, or turn a POST into a GET.
		transport: transport,
	}
	if c.timeout <= 0 {
		c.timeout = defaultTimeout
	}
	if c.userAgent == "" {
		c.userAgent = "polt-mcp"
	}
	if c.onAttempt == nil {
		c.onAttempt = func(context.Context, Attempt) {}
	}
	return c, nil
}

// As returns a client that calls with another key, and shares the connections.
func (c *Client) As(key Key) *Client {
	as := *c
	as.key = key
	return &as
}

// WithoutRetries returns a client that sends each request once, and shares the
// connections.
func (c *Client) WithoutRetries() *Client {
	once := *c
	once.once = true
	return &once
}

// Key returns the key that the client calls with, or none.
func (c *Client) Key() Key { return c.key }

// BaseURL returns where the platform is, without a slash at the end.
func (c *Client) BaseURL() string { return c.base.String() }

// parseBaseURL returns where the platform is, without a slash at the end. Its
// error does not repeat s.
func parseBaseURL(s string) (*url.URL, error) {
	if s == "" {
		s = DefaultBaseURL
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the platform's URL cannot be parsed: it should look like " + DefaultBaseURL)
	}
	// A password, or the key, may be in s.
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return nil, errors.New("the platform's URL should begin with https:// or http:// and a host, as " + DefaultBaseURL)
	case u.User != nil, u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return nil, errors.New("the platform's URL should have no user, query or fragment")
	case u.RawPath != "" || strings.Contains(u.Path+"/", "/../") || strings.Contains(u.Path+"/", "/./"):
		return nil, errors.New("the platform's URL should have a plain path")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// CloseIdleConnections closes the connections that are not in use. The client
// can still be used.
func (c *Client) CloseIdleConnections() {
	if pool, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}
