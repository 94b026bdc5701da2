package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/internal/ids"
	"github.com/openpolt/polt-mcp/polt"
)

const (
	// leastID is the minimum length of an id prefix.
	leastID = 8
	// mostPages is how many pages of 100 are searched for an id.
	mostPages = 10
)

// isShortID reports whether a text may be an id prefix, as tables show.
func isShortID(s string) bool { return len(s) >= leastID && ids.BeginsUUID(s) }

// An idLister returns the ids on a page of a list.
type idLister func(ctx context.Context, client *polt.Client, page int) ([]string, error)

// wholeIDs expands unique id prefixes in the arguments. A text that is no
// prefix of a listed id is left to the platform, which defines what its ids
// look like.
func (c *callCommand) wholeIDs(ctx context.Context, client *polt.Client, arguments map[string]string) error {
	for name, list := range map[string]idLister{"task_id": taskIDs, "project_id": projectIDs} {
		short := strings.TrimSpace(arguments[name])
		if !isShortID(short) {
			continue
		}
		found, err := list.beginningWith(ctx, client, short)
		switch {
		case err != nil:
			return fmt.Errorf("%s: cannot tell whether %s is unique: %w", name, short, err)
		case len(found) == 1:
			arguments[name] = found[0]
		case len(found) > 1:
			return fmt.Errorf("%s: several ids begin with %s: %s", name, short, strings.Join(found, ", "))
		}
	}
	return nil
}

// beginningWith returns the listed UUIDs with a prefix, in any case, or only the
// id that equals it. Tables show no other ids by their beginning: of two numbers,
// one may begin with the other.
func (list idLister) beginningWith(ctx context.Context, client *polt.Client, prefix string) (found []string, _ error) {
	var first []string
	for page := 1; page <= mostPages; page++ {
		listed, err := list(ctx, client, page)
		if err != nil && page == 1 {
			return nil, nil // the call reports what is wrong
		}
		if err != nil {
			return nil, err
		}
		if len(listed) == 0 || slices.Equal(listed, first) {
			break // a platform without pages repeats the first
		}
		if page == 1 {
			first = listed
		}
		for _, id := range listed {
			if id == prefix {
				return []string{id}, nil
			}
			// New items move others to the next page meanwhile.
			if ids.IsUUID(id) && strings.EqualFold(id[:len(prefix)], prefix) && !slices.Contains(found, id) {
				found = append(found, id)
			}
		}
	}
	return found, nil
}

// perPage is the page size.
const perPage = 100

func taskIDs(ctx context.Context, client *polt.Client, page int) (all []string, _ error) {
	list, err := polt.ListTasks.Do(ctx, client, polt.ListTasksInput{Limit: perPage, Page: page})
	for _, task := range list.Tasks {
		all = append(all, task.ID)
	}
	return all, err
}

func projectIDs(ctx context.Context, client *polt.Client, page int) (all []string, _ error) {
	list, err := polt.ListProjects.Do(ctx, client, polt.ListProjectsInput{Limit: perPage, Page: page})
	for _, project := range list.Projects {
		all = append(all, project.ID)
	}
	return all, err
}
