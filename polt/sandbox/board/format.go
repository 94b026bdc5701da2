package board

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/openpolt/polt-mcp/internal/clean"
	"github.com/openpolt/polt-mcp/polt"
)

// functions are the template functions.
func functions(now func() time.Time) template.FuncMap {
	return template.FuncMap{
		"when":    func(at int64) template.HTML { return when(now(), at) },
		"due":     func(t polt.Task) template.HTML { return due(now(), t) },
		"hour":    func(at time.Time) string { return hourName(now(), at) },
		"date":    func(at int64) string { return time.Unix(at, 0).In(now().Location()).Format("2 January 2006, 15:04") },
		"text":    func(s string) template.HTML { return markup(s, nil) },
		"prose":   prose,
		"excerpt": clean.Line,
		"cut":     func(s string, limit int) bool { return utf8.RuneCountInString(s) > limit },
		"size":    size,
		"num":     num,
		"label":   label,
		"hue":     hue,
		"initial": initial,
		"part":    part,
		"icon":    icon,
		"bars":    bars,
		"steps":   steps,
		"add":     func(a, b int) int { return a + b },
		"count":   func(counts map[polt.TaskStatus]int, status string) int { return counts[polt.TaskStatus(status)] },
		"list":    func(items ...any) []any { return items },
	}
}

// icon returns an icon of icons.svg. It is decorative: adjacent text says what
// it means.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" aria-hidden="true"><use href="/static/` + assets() + `/icons.svg#` + template.HTMLEscapeString(name) + `"/></svg>`) //nolint:gosec // escaped
}

// bars returns a difficulty as one to four bars.
func bars(d polt.Difficulty) template.HTML {
	n := 0
	for i, other := range d.Values() {
		if other == string(d) {
			n = i + 1
		}
	}
	return icon("bars" + strconv.Itoa(n))
}

// hue returns the colour number of a name, of 12.
func hue(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name))) // never fails
	return h.Sum32() % 12
}

func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "?"
}

// part returns n as a percentage of whole; 0 if whole is 0.
func part(n, whole int) string {
	if whole <= 0 {
		return "0"
	}
	return strconv.FormatFloat(100*float64(n)/float64(whole), 'f', 1, 64)
}

// num formats a number with thousands separators.
func num(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func size(s string) string {
	switch n := len(s); {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	default:
		return fmt.Sprintf("%.0f kB", float64(n)/1000)
	}
}

// A step is a stage of a project's progress.
type step struct {
	Name  string
	State string // done, current or to-come
}

func steps(at polt.ProjectStatus) []step {
	all, state := []step{}, "done"
	for _, name := range at.Values() {
		switch {
		case name == string(at):
			state = "current"
		case state == "current":
			state = "to-come"
		}
		all = append(all, step{name, state})
	}
	return all
}

// span formats a duration in a single suitable unit.
func span(d time.Duration) string {
	switch {
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
}

// when formats a time as how long ago it was. The page's script keeps it up to
// date.
func when(now time.Time, at int64) template.HTML {
	t := time.Unix(at, 0).In(now.Location())
	text := "just now"
	switch d := now.Sub(t); {
	case d >= 30*24*time.Hour && t.Year() != now.Year():
		text = t.Format("2 Jan 2006")
	case d >= 30*24*time.Hour:
		text = t.Format("2 Jan")
	case d >= time.Minute:
		text = span(d) + " ago"
	}
	return timeElement("ago", t, text)
}

// due formats the time left for a task; empty if it has no deadline, or the
// deadline no longer matters.
func due(now time.Time, k polt.Task) template.HTML {
	if k.Deadline == nil || k.Status != polt.TaskAvailable && k.Status != polt.TaskCommitted {
		return ""
	}
	t := time.Unix(*k.Deadline, 0).In(now.Location())
	switch left := t.Sub(now); {
	case left < 0:
		return timeElement("overdue", t, "overdue by "+span(-left))
	case left < 48*time.Hour:
		return timeElement("soon", t, "due in "+span(left))
	default:
		return timeElement("due", t, "due in "+span(left))
	}
}

func timeElement(class string, t time.Time, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time class="%s" datetime="%s" title="%s">%s</time>`, //nolint:gosec // nothing that a person wrote
		class, t.UTC().Format(time.RFC3339), t.Format("2 January 2006, 15:04"), text))
}

func hourName(now, at time.Time) string {
	day := at.Format("Monday, 2 January")
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	switch {
	case !at.Before(today):
		day = "Today"
	case !at.Before(today.AddDate(0, 0, -1)):
		day = "Yesterday"
	case at.Year() != y:
		day = at.Format("2 January 2006")
	}
	return day + at.Format(", 15:04")
}

// address matches a URL in plain text, ASCII only to exclude look-alike
// characters.
var address = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`https?://[!-~]+`) })

// prose returns at most limit characters of a user's text as HTML, with URLs as
// links. Their host is emphasized, because it shows whom to trust.
func prose(s string, limit int) template.HTML {
	if runes := []rune(s); len(runes) > limit {
		s = string(runes[:limit]) + "…"
	}
	return markup(s, address())
}

// markup returns text as HTML. Invisible characters, which can disguise or hide
// text, are shown by their code points.
func markup(s string, links *regexp.Regexp) template.HTML {
	var b strings.Builder
	for s != "" {
		next := len(s)
		var link string
		if links != nil {
			if at := links.FindStringIndex(s); at != nil {
				next, link = at[0], strings.TrimRight(s[at[0]:at[1]], `.,;:!?)]}>'"*_`)
			}
		}
		writeVisible(&b, s[:next])
		s = s[next:]
		if link != "" {
			writeLink(&b, link)
			s = s[len(link):]
		}
	}
	return template.HTML(b.String()) //nolint:gosec // each part is escaped
}

func writeLink(b *strings.Builder, link string) {
	u, err := url.Parse(link)
	before, after, ok := "", "", false
	if err == nil && u.Host != "" {
		before, after, ok = strings.Cut(link, u.Host)
	}
	if !ok {
		b.WriteString(template.HTMLEscapeString(link))
		return
	}
	fmt.Fprintf(b, `<a href="%s" rel="noopener noreferrer nofollow" target="_blank">%s<b>%s</b>%s</a>`,
		template.HTMLEscapeString(link), template.HTMLEscapeString(before), template.HTMLEscapeString(u.Host), template.HTMLEscapeString(after))
}

// shownInvisible is how many consecutive invisible characters are shown
// individually.
const shownInvisible = 3

func writeVisible(b *strings.Builder, s string) {
	var hidden []rune
	flush := func() {
		if len(hidden) > shownInvisible {
			fmt.Fprintf(b, `<span class="ctl">%d invisible characters</span>`, len(hidden))
		} else {
			for _, r := range hidden {
				fmt.Fprintf(b, `<span class="ctl" title="An invisible character">U+%04X</span>`, r)
			}
		}
		hidden = hidden[:0]
	}
	from := 0
	for i, r := range s {
		if !isInvisible(r) {
			continue
		}
		if from < i {
			flush()
			b.WriteString(template.HTMLEscapeString(s[from:i]))
		}
		hidden = append(hidden, r)
		from = i + utf8.RuneLen(r)
	}
	flush()
	b.WriteString(template.HTMLEscapeString(s[from:]))
}

// isInvisible reports whether a character, or its effect on its neighbours, is
// invisible. The two that are part of emoji are harmless.
func isInvisible(r rune) bool {
	const emojiPresentation, zeroWidthJoiner = '\uFE0F', '\u200D'
	switch {
	case r == '\n' || r == '\t' || r == '\r' || r == emojiPresentation || r == zeroWidthJoiner:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
