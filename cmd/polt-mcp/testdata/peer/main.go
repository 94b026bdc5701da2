// Command peer is what the benchmarks measure polt-mcp against: a bare mcp-go
// server and a bare HTTP client. It is built by them only.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	switch args[0] {
	case "empty": // a server with one tool that does nothing
		s := server.NewMCPServer("peer", "1")
		s.AddTool(mcp.NewTool("noop"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText(""), nil
		})
		return server.ServeStdio(s)
	case "http": // TEXT: the same over streamable HTTP, whose tool answers with the text; it prints its address
		s := server.NewMCPServer("peer", "1")
		s.AddTool(mcp.NewTool("noop"), func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText(args[1]), nil
		})
		return serveHTTP(server.NewStreamableHTTPServer(s, server.WithStateLess(true), server.WithDisableStreaming(true)))
	case "server", "http-server": // URL: a server whose tools fetch the URL and return the body as text, over stdio, or over streamable HTTP without sessions
		s := server.NewMCPServer("peer", "1")
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		for tool, path := range map[string]string{"list_tasks": "/api/tasks", "get_task": "/api/tasks/t-1"} {
			s.AddTool(mcp.NewTool(tool), func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				body, err := fetch(ctx, client, args[1]+path)
				if err != nil {
					return nil, err
				}
				return mcp.NewToolResultText(string(body)), nil
			})
		}
		if args[0] == "http-server" {
			return serveHTTP(server.NewStreamableHTTPServer(s, server.WithStateLess(true)))
		}
		return server.ServeStdio(s, server.WithWorkerPoolSize(64), server.WithQueueSize(10000))
	case "client": // URL N IN-FLIGHT: fetches the URL N times
		n, err := strconv.Atoi(args[2])
		if err != nil {
			return err
		}
		workers, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
		var next atomic.Int64
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for next.Add(1) <= int64(n) {
					if _, err := fetch(context.Background(), client, args[1]); err != nil {
						log.Fatal(err)
					}
				}
			})
		}
		wg.Wait()
		return nil
	}
	return fmt.Errorf("no mode %q", args[0])
}

// serveHTTP serves until SIGTERM.
func serveHTTP(handler http.Handler) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("listening addr=%s\n", listener.Addr())
	s := &http.Server{Handler: handler}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = s.Close() })
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func fetch(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}
