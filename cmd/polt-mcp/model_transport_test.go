package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// What the model test speaks MCP over: the whole command, on a network within
// the process, so that its time can be virtual.

// An mcpConn is one client's connection to a server.
type mcpConn interface {
	// request sends a request, and answers it on the channel. Calls are made
	// with the key, where the transport has a place for one.
	request(key, method string, params any) <-chan []byte
	close()
}

// memoryListener takes connections from within the process.
type memoryListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newMemoryListener() *memoryListener {
	return &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memoryListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

func (l *memoryListener) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- memoryConn{theirs}:
		return ours, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// memoryConn is a connection from the loopback address.
type memoryConn struct{ net.Conn }

func (memoryConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }

// messages sends requests, and finds the answers by their ids.
type messages struct {
	mu      sync.Mutex
	last    int
	waiting map[int]chan []byte
	all     func([]byte) // is told of every message
}

func newMessages(all func([]byte)) *messages {
	return &messages{waiting: map[int]chan []byte{}, all: all}
}

func (m *messages) next(method string, params any) (message []byte, answer chan []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	answer = make(chan []byte, 1)
	m.waiting[m.last] = answer
	message, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.last, "method": method, "params": params})
	if err != nil {
		panic(err)
	}
	return message, answer
}

// receive takes a message of the server's.
func (m *messages) receive(message []byte) {
	m.all(message)
	var id struct {
		ID *int `json:"id"`
	}
	if json.Unmarshal(message, &id) != nil || id.ID == nil {
		return
	}
	m.mu.Lock()
	answer := m.waiting[*id.ID]
	delete(m.waiting, *id.ID)
	m.mu.Unlock()
	if answer != nil {
		answer <- bytes.Clone(message)
	}
}

// end ends all that wait.
func (m *messages) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, answer := range m.waiting {
		close(answer)
	}
	m.waiting = map[int]chan []byte{}
}

var initializing = map[string]any{
	"protocolVersion": "2025-11-25", "capabilities": struct{}{}, "clientInfo": map[string]string{"name": "model", "version": "1"},
}

// stdioConn is a session over standard input and output.
type stdioConn struct {
	*messages
	in    *io.PipeWriter
	ended chan error
}

// startStdio starts a server.
func startStdio(t testing.TB, n network, log io.Writer, all func([]byte), args ...string) *stdioConn {
	t.Helper()
	in, toServer := io.Pipe()
	fromServer, out := io.Pipe()
	c := &stdioConn{messages: newMessages(all), in: toServer, ended: make(chan error, 1)}
	go func() {
		err := run(context.WithValue(context.Background(), networkKey{}, n), append([]string{"stdio"}, args...), func(string) string { return "" }, in, out, log)
		_ = out.Close()
		c.ended <- err
	}()
	go func() {
		lines := bufio.NewReader(fromServer)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				c.end()
				return
			}
			c.receive(line)
		}
	}()
	<-c.request("", "initialize", initializing)
	c.write([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	return c
}

func (c *stdioConn) write(message []byte) { _, _ = c.in.Write(append(message, '\n')) }

func (c *stdioConn) request(_, method string, params any) <-chan []byte {
	message, answer := c.next(method, params)
	go c.write(message)
	return answer
}

func (c *stdioConn) close() {
	_ = c.in.Close()
	if err := <-c.ended; err != nil {
		panic(err)
	}
}

// webServer is a server over HTTP.
type webServer struct {
	listener *memoryListener
	client   *http.Client
	stop     context.CancelFunc
	ended    chan error
}

func startWeb(n network, log io.Writer, args ...string) *webServer {
	s := &webServer{listener: newMemoryListener(), ended: make(chan error, 1)}
	s.client = &http.Client{Transport: &http.Transport{DialContext: s.listener.dial, MaxIdleConnsPerHost: 16}}
	n.listen = func(context.Context, string) (net.Listener, error) { return s.listener, nil }
	ctx, stop := context.WithCancel(context.WithValue(context.Background(), networkKey{}, n))
	s.stop = stop
	go func() {
		s.ended <- run(ctx, append([]string{"http", "--addr", "127.0.0.1:0", "--caller-rate=0"}, args...), func(string) string { return "" }, strings.NewReader(""), io.Discard, log)
	}()
	return s
}

func (s *webServer) close() {
	s.client.CloseIdleConnections()
	s.stop()
	if err := <-s.ended; err != nil {
		panic(err)
	}
	_ = s.listener.Close()
}

func (s *webServer) post(path, key string, message []byte) (status int, body []byte) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://127.0.0.1"+path, bytes.NewReader(message))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	if path == "/mcp" {
		req.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return resp.StatusCode, body
}

// httpConn is a client over streamable HTTP.
type httpConn struct {
	*messages
	server *webServer
}

func (c httpConn) request(key, method string, params any) <-chan []byte {
	message, answer := c.next(method, params)
	go func() {
		status, body := c.server.post("/mcp", key, message)
		if status != http.StatusOK {
			body = fmt.Appendf(nil, `{"status":%d,"body":%q}`, status, body)
			answer <- body
			return
		}
		c.receive(body)
	}()
	return answer
}

func (c httpConn) close() {}

// sseConn is a session over SSE.
type sseConn struct {
	*messages
	server   *webServer
	endpoint string
	cancel   context.CancelFunc
	ended    chan struct{}
}

func startSSE(t testing.TB, server *webServer, key string, all func([]byte)) *sseConn {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := &sseConn{messages: newMessages(all), server: server, cancel: cancel, ended: make(chan struct{})}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/sse", nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := server.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := make(chan string, 1)
	go func() {
		defer close(c.ended)
		defer c.end()
		defer resp.Body.Close()
		event := ""
		for lines := bufio.NewReader(resp.Body); ; {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\n")
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				event = name
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				if event == "endpoint" {
					endpoint <- data
				} else {
					c.receive([]byte(data))
				}
			}
		}
	}()
	c.endpoint = <-endpoint
	<-c.request(key, "initialize", initializing)
	server.post(c.endpoint, key, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	return c
}

func (c *sseConn) request(key, method string, params any) <-chan []byte {
	message, answer := c.next(method, params)
	go func() {
		if status, body := c.server.post(c.endpoint, key, message); status != http.StatusAccepted {
			answer <- fmt.Appendf(nil, `{"status":%d,"body":%q}`, status, body)
		}
	}()
	return answer
}

func (c *sseConn) close() {
	c.cancel()
	<-c.ended
}
