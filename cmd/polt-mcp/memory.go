package main

import (
	"context"
	"fmt"

	"github.com/openpolt/polt-mcp/internal/memory"
)

// memoryFlags limit a server's memory.
type memoryFlags struct {
	MaxMemory string `placeholder:"SIZE" help:"Memory that the process may use, such as 512MiB. What would need more is told to come again (429, rate_limited). Defaults to GOMEMLIMIT, to the container's limit, or to 1GiB."`
}

// newBudget returns the memory budget of requests, and sets the garbage
// collector's memory limit until undo is called.
func (f memoryFlags) newBudget(ctx context.Context) (budget *memory.Budget, undo func(), _ error) {
	if budget := networkOf(ctx).memory; budget != nil {
		return budget, func() {}, nil
	}
	limit, err := memory.ParseLimit(f.MaxMemory)
	if err != nil {
		return nil, nil, fmt.Errorf("--max-memory: %w", err)
	}
	return memory.NewBudget(limit), memory.SetGCLimit(limit), nil
}
