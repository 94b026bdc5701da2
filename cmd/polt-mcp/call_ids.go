package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/openpolt/polt-mcp/polt"
)

const (
	uuidLength = 36
	// leastID is how much of an id must be given.
	leastID = 8
	// mostPages is how many pages of 100 are looked through for an id.
	mostPages = 10
)

func isUUID(s string) bool { return len(s) == uuidLength && isHex(s) && strings.Count(s, "-") == 4 }

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef-") == "" }

// isShortID reports whether a text may be the beginning of an id, as tables
// show it.
func isShortID(s string) bool { return len(s) >= leastID && len(s) < uuidLength && isHex(s) }

// wholeIDs replaces the beginnings of ids in the arguments by the ids, where
// they tell them apart. What begins no id that is listed stays as it is: what
// the platform's ids look like is for the platform to say.
func (c *callCommand) wholeIDs(ctx context.Context, client *polt.Client, arguments map[string]string) error {
	for name, list := range map[string]func(context.Context, *polt.Client, int) ([]string, error){"task_id": taskIDs, "project_id": projectIDs} {
		short := arguments[name]
		if !isShortID(short) {
			continue
		}
		var found []string
		for page := 1; page <= mostPages; page++ {
			ids, err := list(ctx, client, page)
			if err != nil || len(ids) == 0 {
				break // the call itself tells what is wrong
			}
			for _, id := range ids {
				if strings.HasPrefix(id, short) {
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

// perPage is how many items a page has.
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
