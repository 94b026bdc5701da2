package shape

import (
	"bytes"
	"slices"
)

// What of an answer is about its list: members that all items share, and the
// submissions of a task.

// span is a part of what is written.
type span struct{ start, end int }

// shareable has the names of members that stand once where all items of a list
// share them.
var shareable = [...]string{"project_id", "project_title"}

// sharing is what the items of the list may share.
type sharing struct {
	value   [len(shareable)][]byte // of the first item that has it
	count   [len(shareable)]int    // of items that have the same
	begin   [len(shareable)]int    // where the last item that has it begins
	differs [len(shareable)]bool
	spans   []itemSpan
	isTaken bool // such a member stands beside the list already
}

type itemSpan struct {
	which int
	span
}

// add adds a member of an item that begins at begin.
func (s *sharing) add(name, value []byte, at span, begin int) {
	which := slices.Index(shareable[:], string(name))
	if s.value[which] == nil {
		s.value[which] = value
	}
	if s.begin[which] == begin || !bytes.Equal(s.value[which], value) {
		s.differs[which] = true
	}
	s.begin[which] = begin
	s.count[which]++
	if s.spans == nil {
		s.spans = make([]itemSpan, 0, 64)
	}
	s.spans = append(s.spans, itemSpan{which, at})
}

// share takes out of the items what all of them share, and adds it once.
func (p *shaper) share() {
	s := &p.items
	var takes [len(shareable)]bool
	for i := range shareable {
		takes[i] = p.Items > 1 && s.count[i] == p.Items && !s.differs[i] && !s.isTaken
	}
	if takes == [len(shareable)]bool{} {
		return
	}
	to, from := 0, 0
	keep := func(end int) {
		if from < end && to > 0 && p.out[to-1] == '{' && p.out[from] == ',' {
			from++ // the comma after the first member of an item
		}
		to += copy(p.out[to:], p.out[from:end])
	}
	for _, it := range s.spans {
		if takes[it.which] {
			keep(it.start)
			from = it.end
		}
	}
	keep(len(p.out))
	p.out = p.out[:to]
	for i, name := range shareable {
		if takes[i] {
			p.Shared = append(p.Shared, name)
			p.out = Append(p.out, append([]byte(`"`+name+`":`), clean(s.value[i])...))
		}
	}
}

// clean returns a scalar as it is shaped.
func clean(value []byte) []byte {
	p := shaper{src: value}
	_ = p.value(place{}) // it has been copied before
	return p.out
}

// isHistory reports whether a member of a task has its submissions.
func isHistory(name []byte) bool {
	return bytes.Contains(name, []byte("submission")) || string(name) == "history"
}

// isNotes reports whether a member of a submission says what a review found.
func isNotes(name []byte) bool {
	for _, word := range []string{"note", "reason", "feedback", "review", "comment"} {
		if bytes.Contains(name, []byte(word)) {
			return true
		}
	}
	return false
}

// maxSubmissions is what all submissions of a task may cost, by [cost].
const maxSubmissions = 4000

// The steps in which a submission is cut further where there is not room for it:
// how many characters of a text are kept, and of the notes.
var steps = [...]struct{ text, notes int }{{MaxText, 2000}, {MaxText, 400}, {40, MaxText}}

// submission is a submission of a task: as the platform has it, and where in what
// is written.
type submission struct {
	src []byte
	out span
}

// boundSubmissions keeps the submissions, which begin at start, within what they
// may cost: the newest are kept longest.
func (p *shaper) boundSubmissions(start int) {
	all := p.submissions
	p.submissions = nil
	if cost(p.out[start:]) <= maxSubmissions {
		return
	}
	p.CutWork = true
	isNewestLast := created(all[0].src) <= created(all[len(all)-1].src)
	if isNewestLast {
		slices.Reverse(all)
	}
	var kept [][]byte
	room := maxSubmissions
	for _, s := range all {
		short, ok := p.shorten(s, room)
		if !ok {
			break
		}
		room -= cost(short)
		kept = append(kept, short)
	}
	p.Left += len(all) - len(kept)
	if isNewestLast {
		slices.Reverse(kept)
	}
	p.out = append(append(append(p.out[:start], '['), bytes.Join(kept, []byte{','})...), ']')
}

// shorten returns a submission that costs no more than there is room for, if
// that can be.
func (p *shaper) shorten(s submission, room int) ([]byte, bool) {
	if whole := p.out[s.out.start:s.out.end]; cost(whole) <= room {
		return bytes.Clone(whole), true
	}
	for _, step := range steps {
		short := shaper{src: s.src, textLimit: step.text, notesLimit: step.notes}
		short.Summary = Submissions
		if short.value(place{inItem: true}) == nil && cost(short.out) <= room {
			return short.out, true
		}
	}
	return nil, false
}

// cost estimates how many tokens JSON is, and rather too many: a short word is
// one, of a long one so are 5 letters for each 2, and what is neither a letter,
// a digit nor white space is one for each byte.
func cost(b []byte) int {
	total := 0
	for i := 0; i < len(b); {
		c := b[i]
		j := i + 1
		switch {
		case isLetter(c):
			for j < len(b) && isLetter(b[j]) && (b[j] >= 'a' || b[j-1] < 'a') {
				j++
			}
			total += (2*(j-i) + 4) / 5
		case '0' <= c && c <= '9':
			for j < len(b) && j-i < 3 && '0' <= b[j] && b[j] <= '9' {
				j++
			}
			total++
		case c == ' ' && j < len(b) && isLetter(b[j]):
		default:
			total++
		}
		i = j
	}
	return total
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
