package shape

import (
	"bytes"
	"slices"
)

// The answer's list: members shared by all items, and a task's submissions.

// span is a range of the output.
type span struct{ start, end int }

// shareable are the members that are written once if all items share them.
var shareable = [...]string{"project_id", "project_title"}

// sharing tracks these members across the items of the list.
type sharing struct {
	value   [len(shareable)][]byte // of the first item with it
	count   [len(shareable)]int    // items with the member
	begin   [len(shareable)]int    // offset of the last item with it
	differs [len(shareable)]bool
	spans   []itemSpan
	isTaken bool // such a member already exists next to the list
}

type itemSpan struct {
	which int
	span
}

// add records a member of the item at offset begin.
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

// share moves members that all items share out of the items.
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
		if !takes[i] {
			continue
		}
		p.Shared = append(p.Shared, name)
		once, inItem := shaper{src: s.value[i]}, shaper{Options: p.Options, src: s.value[i]}
		_ = once.value(place{}) // it was valid when first copied
		_ = inItem.value(place{inScope: true, inItem: true})
		p.out = Append(p.out, append([]byte(`"`+name+`":`), once.out...))
		// What was done in each item is done once, and nothing is cut.
		p.Cut -= inItem.Cut * p.Items
		p.Invisible -= once.Invisible * (p.Items - 1)
	}
}

// isHistory reports whether a task's member contains its submissions.
func isHistory(name []byte) bool {
	return bytes.Contains(name, []byte("submission")) || string(name) == "history"
}

// isNotes reports whether a submission's member contains review notes.
func isNotes(name []byte) bool {
	for _, word := range []string{"note", "reason", "feedback", "review", "comment"} {
		if bytes.Contains(name, []byte(word)) {
			return true
		}
	}
	return false
}

// maxSubmissions limits the [cost] of all submissions of a task.
const maxSubmissions = 4000

// Increasingly short forms of a submission for when there is no room: how many
// characters to keep of its strings and of its notes.
var steps = [...]struct{ text, notes int }{{MaxText, 2000}, {MaxText, 400}, {40, MaxText}}

// submission is a task's submission, in the source and in the output.
type submission struct {
	src []byte
	out span
}

// boundSubmissions shortens the submissions, which begin at start, to
// maxSubmissions. The oldest are cut first.
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
		short, ok := p.shorten(s, room, len(kept) == 0)
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

// shorten returns a submission that costs at most room, if possible. The newest may
// cost more: it is what an agent has to revise.
func (p *shaper) shorten(s submission, room int, isNewest bool) ([]byte, bool) {
	if whole := p.out[s.out.start:s.out.end]; cost(whole) <= room {
		return bytes.Clone(whole), true
	}
	for i, step := range steps {
		short := shaper{src: s.src, textLimit: step.text, notesLimit: step.notes}
		short.Summary = Submissions
		if short.value(place{inItem: true}) != nil {
			break
		}
		if c := cost(short.out); c <= room || isNewest && i == len(steps)-1 && c <= 2*room {
			p.CutNotes = p.CutNotes || short.CutNotes
			return short.out, true
		}
	}
	return nil, false
}

// cost estimates the number of tokens of JSON, rather too high: 2 for every 5
// letters of a word, 1 for up to 3 digits, and 1 for each other byte.
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
