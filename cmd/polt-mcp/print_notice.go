package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// noticeMember is the member of a result in which the server says what it
// changed, and what to know.
const noticeMember = "_notice"

// pagingMembers are the members of a list's result that are summarized below
// the table.
var pagingMembers = []string{"page", "limit", "total"}

// isAside reports whether a member is summarized below the rest: a notice, or
// the paging of the only list.
func isAside(m jsonMember, lists int) bool {
	return m.name == noticeMember || lists == 1 && slices.Contains(pagingMembers, m.name)
}

// asides returns the lines below a result: how much of a list it shows, and the
// notices. shown is what is above them.
func (p *printer) asides(all, lists []jsonMember, shown string) string {
	is := map[string]string{}
	var notices []string
	for _, m := range all {
		if m.name == noticeMember {
			notices = append(notices, p.line(m))
		} else {
			is[m.name] = p.line(m)
		}
	}
	var b strings.Builder
	isCounted := len(lists) == 1 && is["total"] != ""
	var parts []string
	if isCounted {
		parts = append(parts, fmt.Sprintf("%d of %s", len(objects(lists[0].value)), is["total"]))
	}
	if len(lists) == 1 && is["page"] != "" {
		parts = append(parts, "page "+is["page"])
	}
	if len(parts) > 0 {
		b.WriteString(p.dim(p.wrap(strings.Join(parts, ", "), "")) + "\n")
	}
	if notice := noticeForPeople(strings.Join(notices, "; "), isCounted, strings.Contains(shown, cutMark)); notice != "" {
		b.WriteString(p.wrap("Note: "+notice, "") + "\n")
	}
	return b.String()
}

// cutMark is where a text was cut, followed by the number of characters left
// out.
const cutMark = "…(+"

// What a notice says that a person at a terminal sees anyway, or does not need.
// All other parts are shown, so a pattern that no longer matches hides nothing.
var (
	pagesLeft = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^page \d+ of \d+[,:]`) })
	movedOut  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`: the same in all, so beside the list$`) })
	leftOut   = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(((\d+ texts?|submissions) cut at \d+ characters( or less)?|\d+ old submissions? left out|nulls left out)(, |$))+$`)
	})
	// The session of a call ends with it.
	actsAs   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^this session now acts as `) })
	textsCut = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(` cut at \d+ characters`) })
)

// noticeForPeople returns the parts of a notice that concern a person. isCounted
// says that the number of rows in total is shown, and isCut that a cut text is.
func noticeForPeople(notice string, isCounted, isCut bool) string {
	var parts []string
	losses := false // the part before lists what was left out
	for part := range strings.SplitSeq(notice, "; ") {
		switch {
		case part == "", isCounted && pagesLeft().MatchString(part), movedOut().MatchString(part), actsAs().MatchString(part):
			continue
		case part == `detail:"full" gives all`:
			if losses {
				parts = append(parts, "detail=full gives all")
			}
			continue
		case leftOut().MatchString(part):
			lost := slices.DeleteFunc(strings.Split(part, ", "), func(one string) bool {
				return one == "nulls left out" || textsCut().MatchString(one) && !isCut
			})
			if losses = len(lost) > 0; losses {
				parts = append(parts, strings.Join(lost, ", "))
			}
			continue
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}
