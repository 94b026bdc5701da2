package main

import (
	"io"
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// A screen is the destination of output for people: a terminal, or a pipe,
// which has unlimited width and no colours.
type screen struct {
	out    io.Writer
	width  int // in columns; 0 means no limit
	colour bool
}

// screen describes standard output.
func (env *environment) screen() screen {
	s := screen{out: env.out}
	if f, ok := asTerminal(env.out); ok {
		s.width, _, _ = term.GetSize(int(f.Fd()))
		s.colour = env.getenv("NO_COLOR") == "" && env.getenv("TERM") != "dumb"
	}
	return s
}

// gap is the space between columns.
const gap = 2

// table formats rows under headers. On a terminal it wraps cells at words to
// fit; paint returns a cell's style, or nil.
func (s screen) table(headers []string, rows [][]string, paint func(text string) *lipgloss.Style) string {
	t := table.New().
		BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).BorderRow(false).
		StyleFunc(func(row, column int) lipgloss.Style {
			style := lipgloss.NewStyle()
			if s.colour && row == 0 {
				style = style.Bold(true)
			} else if s.colour && paint != nil && row > 0 && row <= len(rows) && column < len(rows[row-1]) {
				if painted := paint(rows[row-1][column]); painted != nil {
					style = *painted
				}
			}
			if column < len(headers)-1 {
				style = style.PaddingRight(gap)
			}
			return style
		})
	widths := s.fit(headers, rows)
	t.Row(wrapCells(headers, widths)...) // as headers, they would be cut to one line
	for _, row := range rows {
		t.Row(wrapCells(row, widths)...)
	}
	var b strings.Builder
	for line := range strings.Lines(t.String() + "\n") {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func wrapCells(cells []string, widths []int) []string {
	wrapped := make([]string, len(cells))
	for i, cell := range cells {
		wrapped[i] = ansi.Wrap(cell, widths[i], "")
	}
	return wrapped
}

// fit returns the column widths. The widest column shrinks first, but none
// below its longest word or a third of the screen.
func (s screen) fit(headers []string, rows [][]string) []int {
	widths, least := make([]int, len(headers)), make([]int, len(headers))
	sum := gap * (len(headers) - 1)
	for column := range headers {
		cells := []string{headers[column]}
		for _, row := range rows {
			cells = append(cells, row[column])
		}
		for _, cell := range cells {
			widths[column] = max(widths[column], ansi.StringWidth(cell), 1)
			for _, word := range strings.Fields(cell) {
				least[column] = max(least[column], min(ansi.StringWidth(word), max(s.width/3, 8)))
			}
		}
		sum += widths[column]
	}
	for s.width > 0 && sum > s.width {
		widest := -1
		for column := range headers {
			if widths[column] > least[column] && (widest < 0 || widths[column] > widths[widest]) {
				widest = column
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		sum--
	}
	return widths
}

// fits reports whether a table fits on the screen with its cells wrapped at
// words.
func (s screen) fits(headers []string, rows [][]string) bool {
	sum := gap * (len(headers) - 1)
	for _, width := range s.fit(headers, rows) {
		sum += width
	}
	return s.width <= 0 || sum <= s.width
}

// wrap wraps a text at words and indents every line after the first.
func (s screen) wrap(text, indent string) string {
	if s.width <= 0 {
		return text
	}
	lines := strings.Split(ansi.Wrap(text, max(s.width-len(indent)-1, 20), ""), "\n")
	return strings.Join(slices.Collect(trimmedLines(lines)), "\n"+indent)
}

func trimmedLines(lines []string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			if !yield(strings.TrimRight(line, " ")) {
				return
			}
		}
	}
}

// bold formats a heading.
func (s screen) bold(text string) string {
	if !s.colour {
		return text
	}
	return lipgloss.NewStyle().Bold(true).Render(text)
}

// dim formats secondary text.
func (s screen) dim(text string) string {
	if !s.colour {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines { // together, all would be padded to the same width
		lines[i] = lipgloss.NewStyle().Faint(true).Render(line)
	}
	return strings.Join(lines, "\n")
}

// colourOf maps statuses and difficulties of tasks to colours.
var colourOf = map[string]string{
	"available": "2", "committed": "3", "in_review": "6", "completed": "4",
	"approved": "2", "rejected": "1", "needs_revision": "3",
	"easy": "2", "medium": "3", "hard": "1", "expert": "5",
}

// paintState returns the style of a status.
func paintState(text string) *lipgloss.Style {
	colour, ok := colourOf[text]
	if !ok {
		return nil
	}
	style := lipgloss.NewStyle().Foreground(lipgloss.Color(colour))
	return &style
}
