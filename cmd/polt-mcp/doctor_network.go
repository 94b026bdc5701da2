package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/openpolt/polt-mcp/polt"
)

// patience is the timeout of each network step.
const patience = 10 * time.Second

// mostSkew is the tolerated clock skew: deadlines are shown in minutes.
const mostSkew = 30 * time.Second

// seen is what a request reveals of the connection to the platform.
type seen struct {
	protocol string
	tls      *tls.ConnectionState
	skew     time.Duration
	dated    bool
}

// watcher is a transport that records it.
type watcher struct {
	next http.RoundTripper
	seen *seen
}

func (w watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.next.RoundTrip(r)
	if err == nil {
		w.seen.protocol, w.seen.tls = resp.Proto, resp.TLS
		if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			w.seen.skew, w.seen.dated = time.Since(date), true
		}
	}
	return resp, err
}

// checkPlatform checks the connection to the platform step by step.
func (c *doctorCommand) checkPlatform(ctx context.Context, all *findings) {
	const about = "Platform"
	if c.Local {
		all.add(about, good, "a sandbox inside this process: nothing is reached over a network", "")
		return
	}
	var way seen
	client, err := polt.NewClient(polt.Options{
		BaseURL: c.APIURL, CAFile: c.CAFile, PlaintextProxy: c.PlaintextProxy, Timeout: patience, UserAgent: "polt-mcp/" + version(),
		WrapTransport: func(next http.RoundTripper) http.RoundTripper { return watcher{next, &way} },
	})
	if err != nil {
		all.add(about, broken, err.Error(), "correct --api-url (POLT_API_URL) or --ca-file (POLT_CA_FILE)")
		return
	}
	defer client.CloseIdleConnections()
	base, err := url.Parse(client.BaseURL())
	if err != nil {
		all.add(about, broken, err.Error(), "correct --api-url (POLT_API_URL)")
		return
	}
	proxied := checkProxy(base, all)
	if !proxied && !checkConnection(ctx, base, all) {
		return
	}
	_, err = polt.ListRecentTasks.Do(ctx, client.WithoutRetries(), polt.ListRecentTasksInput{})
	if way.tls != nil {
		all.add(about, good, fmt.Sprintf("speaks %s with a trusted certificate, and %s", tls.VersionName(way.tls.Version), way.protocol), "")
	} else if way.protocol != "" {
		v, fix := doubt, "use https://, unless this is a test: keys go there"
		if ip := net.ParseIP(base.Hostname()); ip != nil && ip.IsLoopback() || base.Hostname() == "localhost" {
			v, fix = good, ""
		}
		all.add(about, v, "speaks "+way.protocol+" without TLS", fix)
	}
	checkAnswer(base, err, all)
	if off := way.skew.Abs().Round(time.Second); way.dated && off > mostSkew {
		all.add(about, doubt, fmt.Sprintf("this machine's clock is %s off", off), "set the clock: deadlines and certificates depend on it")
	} else if way.dated {
		all.add(about, good, "this machine's clock is right", "")
	}
}

// checkAnswer reports whether the server that responds is POLT.
func checkAnswer(base *url.URL, err error, all *findings) {
	const about = "Platform"
	e, failed := errors.AsType[*polt.Error](err)
	switch {
	case err == nil:
		all.add(about, good, base.Redacted()+" is POLT", "")
	case !failed:
		all.add(about, broken, err.Error(), "")
	case strings.Contains(e.Message, "tunnel is offline"):
		all.add(about, broken, "POLT is down: "+e.Message, "try again later: nothing is wrong on this machine")
	case e.HTTPStatus == 0:
		all.add(about, broken, e.Message, certificateFix(e))
	case e.Code == polt.CodeRateLimited:
		all.add(about, doubt, "POLT limits the rate of calls (429)", "wait")
	default:
		all.add(about, broken, fmt.Sprintf("%s answers, but not as POLT does: %s", base.Redacted(), e.Message), "check --api-url (POLT_API_URL)")
	}
}

// certificateFix says what to do about a failed connection.
func certificateFix(err error) string {
	if certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "is there a proxy that reads along? Then give its certificate with --ca-file (POLT_CA_FILE): " + certificate.Err.Error()
	}
	return "check --api-url (POLT_API_URL), and the network"
}

// checkProxy reports whether requests use a proxy.
func checkProxy(base *url.URL, all *findings) bool {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base})
	switch {
	case err != nil:
		all.add("Platform", broken, "the proxy: "+err.Error(), "correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY")
		return true
	case proxy == nil:
		return false
	}
	all.add("Platform", good, "goes through the proxy "+proxy.Redacted(), "")
	return true
}

// checkConnection resolves the host and connects to it.
func checkConnection(ctx context.Context, base *url.URL, all *findings) bool {
	const about = "Platform"
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	name := base.Hostname()
	if net.ParseIP(name) == nil {
		addresses, err := net.DefaultResolver.LookupHost(ctx, name)
		if err != nil {
			all.add(about, broken, fmt.Sprintf("%s is not found: %v", name, err), "check --api-url (POLT_API_URL), and that this machine is on the network")
			return false
		}
		all.add(about, good, name+" is "+strings.Join(addresses, ", "), "")
	}
	port := base.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(name, port))
	if err != nil {
		hint := "is something in between, such as a firewall or a proxy (HTTPS_PROXY)? Is --api-url (POLT_API_URL) right?"
		if errors.Is(err, syscall.ECONNREFUSED) {
			hint = "nothing listens at that port: is the platform running, and --api-url (POLT_API_URL) right?"
		}
		all.add(about, broken, "no connection: "+err.Error(), hint)
		return false
	}
	all.add(about, good, "connects to "+conn.RemoteAddr().String(), "")
	_ = conn.Close()
	return true
}

// checkServer checks the health of the server running on this machine.
func (c *doctorCommand) checkServer(ctx context.Context, all *findings) {
	const about = "Server"
	addr, scheme := c.AdminAddr, "http"
	if addr == "" {
		addr = c.Addr
		if c.TLSCert != "" {
			scheme = "https"
		}
	}
	if s, rest, ok := strings.Cut(addr, "://"); ok { // the form in which the server logs its address
		scheme, addr = s, strings.TrimSuffix(rest, "/mcp")
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		all.add(about, broken, err.Error(), "give --addr as polt-mcp http has it")
		return
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := scheme + "://" + net.JoinHostPort(host, port) + "/healthz"
	ctx, cancel := context.WithTimeout(ctx, patience/2)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		all.add(about, broken, err.Error(), "")
		return
	}
	// The connection is local, by an address that the certificate does not
	// name.
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // see above; nothing secret is sent
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(request)
	if err != nil {
		all.add(about, broken, "no server answers: "+err.Error(), "start polt-mcp http, or give its --addr or --admin-addr")
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode != http.StatusOK {
		all.add(about, broken, fmt.Sprintf("%s answers %s", address, resp.Status), "")
		return
	}
	all.add(about, good, address+" answers", "")
}
