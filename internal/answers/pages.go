package answers

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
)

const (
	// MaxPage is how many tasks to ask for on a page, the platform's maximum.
	MaxPage = 100

	minPage  = 20 // a full page has at least this many, whatever was asked for
	maxPages = 5  // pages read at most
)

// ErrNoPage is returned by a read of a page that the platform rejects, which may
// mean that the list has ended, or that it has no pages.
var ErrNoPage = errors.New("there is no such page")

// EachTask visits the tasks on the first pages of a list, which read returns, and
// returns how many there were, and whether that was the whole list. What tells is
// how many tasks the pages have, not how many were asked for: the platform may have
// a limit of its own.
func EachTask(read func(page int) ([]json.RawMessage, error), visit func(task json.RawMessage)) (looked int, whole bool, _ error) {
	var first json.RawMessage // of the previous page
	size := minPage           // tasks on a page that may not be the last
	seen := map[string]bool{} // tasks move to the next page meanwhile
	for page := 1; page <= maxPages; page++ {
		tasks, err := read(page)
		switch {
		case page > 1 && errors.Is(err, ErrNoPage):
			return looked, false, nil
		case err != nil:
			return looked, false, err
		case page > 1 && len(tasks) > 0 && bytes.Equal(tasks[0], first):
			return looked, false, nil // paging is not supported
		}
		for _, task := range tasks {
			identity := cmp.Or(ID(task), string(task))
			if !seen[identity] {
				seen[identity] = true
				looked++
				visit(task)
			}
		}
		if len(tasks) < size {
			return looked, true, nil
		}
		first, size = tasks[0], max(size, len(tasks))
	}
	return looked, false, nil
}
