// Package shape turns the platform's JSON into a result's JSON.
//
// It does so in one pass, which validates the JSON, removes whitespace between
// tokens and invisible characters in strings, and, in a summary, cuts long
// strings and omits null members. Everything else is copied unchanged, numbers
// to the digit.
package shape

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/openpolt/polt-mcp/internal/buffers"
)

const (
	// MaxText is how many characters of a string in a list a summary keeps.
	MaxText = 120
	// MaxWork is the same for a submission's strings, except review notes.
	MaxWork = 400
	// maxToken is the maximum size, in bytes, of a string without whitespace,
	// such as a URL, that is never cut: half a URL is useless.
	maxToken = 512
	// maxDepth is the maximum nesting depth of an answer.
	maxDepth = 200
	// maxGuess is the largest source, in bytes, whose output size is estimated.
	// A too low estimate would copy a larger answer while the buffer grows.
	maxGuess = 1 << 20
)

// A Summary says which part of an answer is cut.
type Summary string

const (
	// Whole cuts nothing: the answer is about one thing.
	Whole Summary = ""
	// Lists cuts the items of all arrays. Any other Summary is the name of the
	// member whose items are cut.
	Lists Summary = "*"
	// Submissions cuts submitted work but not review notes.
	Submissions Summary = "submissions"
)

// Options configure [JSON].
type Options struct {
	Summary Summary
	// List is the member name under which a bare array is wrapped.
	List string
	// Drop is the name of a top-level member to omit.
	Drop string
	// Types are the expected kinds of top-level members. A member of another
	// kind is moved whole into the object "_unexpected".
	Types map[string]Kind
	// Sent is a text that the caller sent; it is omitted from the answer.
	Sent string
	// Notes is how many characters of review notes in a list [Lists] keeps; 0 means
	// MaxText.
	Notes int
	// Payouts requests [Result.Payouts].
	Payouts bool
	// Now is the current time; the time left is added to each deadline. The
	// zero value adds nothing.
	Now time.Time
}

// A Result is the output of [JSON].
type Result struct {
	JSON      []byte // an object
	Cut       int    // strings cut in lists
	CutWork   bool   // whether strings of submissions were cut
	CutNotes  bool   // whether review notes were cut
	Left      int    // submissions omitted
	Nulls     int    // null members omitted
	Invisible int    // invisible characters removed
	Echoes    int    // strings omitted because they equal Options.Sent
	// Shared are the members that all items of the list had in common and that
	// were moved next to the list.
	Shared []string
	// Unexpected are the members that were moved to "_unexpected".
	Unexpected []string
	// IsList reports whether the answer has a list; Items is its length.
	IsList bool
	Items  int
	// Envelope are the scalars next to the list, such as the page number.
	Envelope []Scalar
	// Payouts are the items' payouts, as JSON, if Options.Payouts is set.
	Payouts [][]byte
	// Status is the top-level status, LastSubmission that of the last
	// submission, unquoted; "" if absent.
	Status, LastSubmission string
}

// A Scalar is a member that is neither an object nor an array.
type Scalar struct {
	Name  string
	Value []byte // as JSON
}

var errNotJSON = errors.New("the answer is not well-formed JSON")

// JSON shapes src, an answer of the platform, into an object. It fails if src
// is not valid JSON or nested too deeply.
func JSON(src []byte, o Options) (Result, error) {
	p := shaper{Options: o, src: src}
	size := len(src) + len(src)/8 + 512
	if o.Summary == Lists && len(src) < maxGuess {
		size = len(src)/2 + 512 // an estimate; too little is harmless
	}
	p.out = buffers.Get(size)
	if err := p.root(); err != nil {
		return Result{}, fmt.Errorf("%w at byte %d", err, p.at)
	}
	p.space()
	if p.at != len(src) {
		return Result{}, fmt.Errorf("%w at byte %d", errNotJSON, p.at)
	}
	p.finish()
	p.Result.JSON = p.out
	return p.Result, nil
}

type shaper struct {
	Options
	Result
	src []byte
	at  int
	out []byte

	// items tracks members that the list's items may share.
	items sharing
	// unexpected are the members of "_unexpected".
	unexpected []byte
	// submissions are the submissions copied so far.
	submissions []submission
	// How many characters of a submission's strings to keep; for textLimit 0
	// means MaxWork, for notesLimit all.
	textLimit, notesLimit int

	onlyObjects bool // the array copied last contains objects only
	cuts        int  // strings cut
}

// place is the position of a value in an answer.
type place struct {
	depth   int
	inScope bool // items of arrays at or below it are cut
	inItem  bool // it is within such an item
	isList  bool // it is the answer's main list
	isNotes bool // it is a review note
	isWork  bool // it is, or is within, a task's submissions
}

// root copies the whole answer and wraps it in an object if it is none.
func (p *shaper) root() error {
	top := place{inScope: p.Summary == Lists}
	switch p.peek() {
	case '{':
		return p.value(top)
	case '[':
		top.isList = p.Summary == Lists
	default:
		p.List = "result"
	}
	p.out = append(append(append(p.out, `{"`...), p.List...), `":`...)
	start, valueAt := p.at, len(p.out)
	if err := p.value(top); err != nil {
		return err
	}
	if kind, ok := p.Types[p.List]; ok && !kind.fits(p.src[start:p.at], p.onlyObjects) {
		p.move(p.List, p.out[valueAt:])
		p.out, p.items = append(p.out[:0], '{'), sharing{}
	}
	p.out = append(p.out, '}')
	return nil
}

func (p *shaper) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek returns the next non-whitespace byte, or 0 at the end.
func (p *shaper) peek() byte {
	p.space()
	if p.at == len(p.src) {
		return 0
	}
	return p.src[p.at]
}

// value copies the next value.
func (p *shaper) value(at place) error {
	if at.depth > maxDepth {
		return errors.New("the answer is nested too deep")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(at)
	case c == '[':
		return p.array(at)
	case c == '"':
		before := p.cuts
		err := p.text(p.limit(at))
		p.CutNotes = p.CutNotes || at.isNotes && p.cuts > before
		return err
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	case c == 't':
		return p.literal("true")
	case c == 'f':
		return p.literal("false")
	case c == 'n':
		return p.literal("null")
	}
	return errNotJSON
}

// limit returns how many characters of a string to keep; 0 means all.
func (p *shaper) limit(at place) int {
	switch {
	case !at.inItem:
		return 0
	case at.isNotes && p.Summary == Submissions:
		return p.notesLimit
	case at.isNotes:
		return p.Notes
	case p.textLimit > 0:
		return p.textLimit
	case p.Summary == Submissions:
		return MaxWork
	}
	return MaxText
}

func (p *shaper) literal(word string) error {
	if !bytes.HasPrefix(p.src[p.at:], []byte(word)) {
		return errNotJSON
	}
	p.at += len(word)
	p.out = append(p.out, word...)
	return nil
}

func (p *shaper) array(at place) error {
	p.at++
	start := len(p.out)
	p.out = append(p.out, '[')
	item := place{depth: at.depth + 1, inScope: at.inScope, inItem: at.inItem || at.inScope}
	item.isList, item.isNotes, item.isWork = at.isList, at.isNotes, at.isWork
	items, onlyObjects := 0, true
	if p.peek() != ']' {
		for {
			p.space()
			from, itemAt := p.at, len(p.out)
			onlyObjects = onlyObjects && p.peek() == '{'
			if err := p.value(item); err != nil {
				return err
			}
			items++
			if at.inScope && !at.inItem && p.Summary == Submissions {
				p.submissions = append(p.submissions, submission{src: p.src[from:p.at], out: span{itemAt, len(p.out)}})
			}
			c := p.peek()
			if c == ']' {
				break
			}
			if c != ',' {
				return errNotJSON
			}
			p.at++
			p.out = append(p.out, ',')
		}
	}
	p.at++
	p.out = append(p.out, ']')
	p.onlyObjects = onlyObjects
	if at.isList && !p.IsList {
		p.IsList, p.Items = true, items
	}
	if len(p.submissions) > 0 && at.inScope && !at.inItem {
		p.boundSubmissions(start)
	}
	return nil
}

// finish adds the shared members and "_unexpected".
func (p *shaper) finish() {
	p.share()
	if len(p.unexpected) > 0 {
		p.out = Append(p.out, append(append([]byte(`"_unexpected":{`), p.unexpected...), '}'))
	}
}
