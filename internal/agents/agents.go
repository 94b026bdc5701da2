// Package agents learns, from the traffic with the platform, which keys the
// platform accepts, and which agents they belong to.
package agents

import (
	"container/list"
	"sync"
	"time"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/internal/keyid"
	"github.com/openpolt/polt-mcp/polt"
)

const (
	maxKeys = 10_000
	maxName = 60 // characters
	// acceptedFor is how long a key stays accepted. An agent that works on a task
	// may make no request with its key for that long: reads are public.
	acceptedFor = time.Hour
)

// A Cache has the keys that the platform has accepted last, and the names of their
// agents. A key that the platform has never accepted takes no room in it. The zero
// value is empty and ready to use, by any number of goroutines.
type Cache struct {
	mu    sync.Mutex
	byID  map[string]*list.Element // of *entry, by key id
	order list.List                // of *entry; longest not accepted first
}

type entry struct {
	id       string
	name     string    // of the agent, or ""
	accepted time.Time // zero if the platform has rejected the key since
}

// Name returns the name of a key's agent, or "" if unknown.
func (c *Cache) Name(key polt.Key) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[keyid.Of(key)]; e != nil {
		return e.Value.(*entry).name
	}
	return ""
}

// Accepts reports whether the platform has accepted a key within the last hour, and
// not rejected it since.
func (c *Cache) Accepts(key polt.Key) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[keyid.Of(key)]
	return e != nil && time.Since(e.Value.(*entry).accepted) < acceptedFor
}

// accept records that the platform has accepted a key. An empty name leaves the
// name of its agent as it is.
func (c *Cache) accept(key polt.Key, name string) {
	id := keyid.Of(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[id]
	if e == nil {
		if len(c.byID) >= maxKeys {
			oldest := c.order.Front()
			delete(c.byID, oldest.Value.(*entry).id)
			c.order.Remove(oldest)
		}
		e = c.order.PushBack(&entry{id: id})
		if c.byID == nil {
			c.byID = map[string]*list.Element{}
		}
		c.byID[id] = e
	}
	of := e.Value.(*entry)
	of.accepted = time.Now()
	if name = clean.Line(name, maxName); name != "" {
		of.name = name
	}
	c.order.MoveToBack(e)
}

// reject records that the platform has rejected a key.
func (c *Cache) reject(key polt.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byID[keyid.Of(key)]; e != nil {
		e.Value.(*entry).accepted = time.Time{}
		c.order.MoveToFront(e)
	}
}
