package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

const (
	uuidLength = 36
	// leastID is the minimum length of an id prefix.
	leastID = 8
	// mostPages is how many pages of 100 are searched for an id.
	mostPages = 10
)

func isUUID(s string) bool { return len(s) == uuidLength && isHex(s) && strings.Count(s, "-") == 4 }

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef-") == "" }

// isShortID reports whether a text may be an id prefix, as tables show.
func isShortID(s string) bool { return len(s) >= leastID && len(s) < uuidLength && isHex(s) }

// wholeIDs expands unique id prefixes in the arguments. A text that is no
// prefix of a listed id is left to the platform, which defines what its ids
// look like.
func (c *callCommand) wholeIDs(ctx context.Context, client *polt.Client, arguments map[string]string) error {
	for name, list := range map[string]func(context.Context, *polt.Client, int) ([]string, error){"task_id": taskIDs, "project_id": projectIDs} {
		short := arguments[name]
		if !isShortID(short) {
			continue
		}
		var found, first []string
		for page := 1; page <= mostPages; page++ {
			ids, err := list(ctx, client, page)
			if err != nil && page > 1 {
				return fmt.Errorf("%s: cannot tell whether %s is unique: %w", name, short, err)
			}
			if err != nil || len(ids) == 0 || slices.Equal(ids, first) {
				break // the call reports what is wrong; a platform without pages repeats the first
			}
			if page == 1 {
				first = ids
			}
			for _, id := range ids {
				// New items move others to the next page meanwhile.
				if strings.HasPrefix(id, short) && !slices.Contains(found, id) {
					found = append(found, id)
				}
			}
		}
		switch len(found) {
		case 0:
		case 1:
			arguments[name] = found[0]
		default:
			return fmt.Errorf("%s: several ids begin with %s: %s", name, short, strings.Join(found, ", "))
		}
	}
	return nil
}

// perPage is the page size.
const perPage = 100

func taskIDs(ctx context.Context, client *polt.Client, page int) (ids []string, _ error) {
	list, err := polt.ListTasks.Do(ctx, client, polt.ListTasksInput{Limit: perPage, Page: page})
	for _, task := range list.Tasks {
		ids = append(ids, task.ID)
	}
	return ids, err
}

func projectIDs(ctx context.Context, client *polt.Client, page int) (ids []string, _ error) {
	list, err := polt.ListProjects.Do(ctx, client, polt.ListProjectsInput{Limit: perPage, Page: page})
	for _, project := range list.Projects {
		ids = append(ids, project.ID)
	}
	return ids, err
}
