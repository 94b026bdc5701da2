// Package shape makes a result's JSON of the platform's.
//
// It does so in one pass, which checks that the JSON is well formed, takes out
// the white space between its tokens and the invisible characters within its
// texts, and, in a summary, cuts long texts and leaves out null members. Numbers
// and everything else stay as they came, to the digit.
package shape

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

const (
	// MaxText is how many characters of a text in a list a summary keeps.
	MaxText = 120
	// MaxWork is the same for a submission's texts but for the review's notes.
	MaxWork = 400
	// maxToken is how many bytes a text without white space may have, such as
	// a URL, to be kept whole: half a URL is of no use.
	maxToken = 512
	// maxDepth is how deep an answer may be nested.
	maxDepth = 200
	// maxGuess is for how many bytes it may be guessed what becomes of them. If too
	// little, a larger answer would be held twice while it grows.
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
	// Submissions cuts the work that was submitted, and keeps what the reviews
	// say of it.
	Submissions Summary = "submissions"
)

// Options say what is made of an answer.
type Options struct {
	Summary Summary
	// List is the name that a bare array gets, as a member of an object.
	List string
	// Drop is the name of a member to leave out at the top.
	Drop string
	// Types has the kinds of members at the top. A member of another kind is
	// moved, whole, into the object "_unexpected".
	Types map[string]Kind
	// Sent is a text that the caller has sent, which is not repeated to it.
	Sent string
	// Payouts asks for what the items of the list pay.
	Payouts bool
	// Now is what deadlines are compared with: beside each, what is left of it
	// is told. The zero value leaves that out.
	Now time.Time
}

// A Result is what [JSON] made of an answer.
type Result struct {
	JSON      []byte // an object
	Cut       int    // texts of lists that were cut
	CutWork   bool   // texts of submissions were cut
	Left      int    // submissions that were left out
	Nulls     int    // null members that were left out
	Invisible int    // invisible characters that were removed
	Echoes    int    // texts that were left out as they are what was sent
	// Shared has the names of members that were the same in all items of the
	// list, and now stand once, beside it.
	Shared []string
	// Unexpected has the names of members that were moved to "_unexpected".
	Unexpected []string
	// IsList says that there is a list, of as many items as Items says.
	IsList bool
	Items  int
	// Envelope has what stands beside the list, such as the number of the page.
	Envelope []Scalar
	// Payouts has the payout of each item that has one, as JSON, where Options
	// ask for them.
	Payouts [][]byte
	// Status is the status at the top, and LastSubmission that of the last of the
	// submissions there, as they stand in JSON; "" where there is none.
	Status, LastSubmission string
}

// A Scalar is a member of an object that is no object and no array.
type Scalar struct {
	Name  string
	Value []byte // as JSON
}

var errNotJSON = errors.New("the answer is not well-formed JSON")

// JSON shapes src, an answer of the platform, into an object.
func JSON(src []byte, o Options) (Result, error) {
	p := shaper{Options: o, src: src}
	size := len(src) + len(src)/8 + 512
	if o.Summary == Lists && len(src) < maxGuess {
		size = len(src)/2 + 512 // a guess, and too little does no harm
	}
	p.out = make([]byte, 0, size)
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

	// items is what is known of the items of the list, for what is told of them
	// or shared by them.
	items sharing
	// unexpected has the members for the object of that name.
	unexpected []byte
	// submissions is where the submissions are.
	submissions []submission
	// How many characters of a submission's texts are kept; 0 means MaxWork, and
	// all of the notes.
	textLimit, notesLimit int

	onlyObjects bool // the array that was copied last has no other items
}

// place says where in an answer a value is.
type place struct {
	depth   int
	inScope bool // arrays at or below it are lists whose items are cut
	inItem  bool // it is in such an item
	isList  bool // it is the list that the answer is about
	isNotes bool // it is what a review says
	isWork  bool // it is a task's submissions, or in them
}

// root copies the whole answer, and makes an object of it where it is none.
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

// peek returns the next byte that is not white space, or 0 at the end.
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
		return p.text(p.limit(at))
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

// limit returns how many characters of a text are kept; 0 means all.
func (p *shaper) limit(at place) int {
	switch {
	case !at.inItem:
		return 0
	case at.isNotes:
		return p.notesLimit
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

func (p *shaper) object(at place) error {
	p.at++
	p.out = append(p.out, '{')
	begin := len(p.out)
	o := object{place: at, begin: begin}
	if p.peek() != '}' {
		for {
			if err := p.member(&o); err != nil {
				return err
			}
			c := p.peek()
			if c == '}' {
				break
			}
			if c != ',' {
				return errNotJSON
			}
			p.at++
		}
	}
	p.at++
	p.due(&o)
	p.out = append(p.out, '}')
	return nil
}

// object is an object that is being copied.
type object struct {
	place
	begin    int    // where its members begin in out
	deadline []byte // as JSON
	isDone   bool   // it is a task of which nothing is due any more
}

// member copies one member.
func (p *shaper) member(o *object) error {
	undo := len(p.out)
	if undo > o.begin {
		p.out = append(p.out, ',')
	}
	nameAt := len(p.out)
	if p.peek() != '"' {
		return errNotJSON
	}
	if err := p.text(0); err != nil {
		return err
	}
	name := p.out[nameAt+1 : len(p.out)-1]
	if p.peek() != ':' {
		return errNotJSON
	}
	p.at++
	p.out = append(p.out, ':')
	valueAt := len(p.out)
	c := p.peek()
	start := p.at

	below := place{depth: o.depth + 1, inScope: o.inScope, inItem: o.inItem, isNotes: o.isNotes}
	below.isWork = o.isWork || o.depth == 0 && string(name) == "submissions"
	switch p.Summary {
	case Whole:
	case Lists:
		below.isList = o.depth <= 1 && c == '[' && !o.inItem && !p.IsList
	case Submissions:
		below.inScope = below.inScope || o.depth == 0 && c == '[' && isHistory(name)
		below.isNotes = below.isNotes || o.inItem && isNotes(name)
	default:
		if o.depth == 0 && string(name) == string(p.Summary) {
			below.inScope, below.isList = true, c == '['
		}
	}
	if err := p.value(below); err != nil {
		return err
	}
	value := p.src[start:p.at]
	name = p.out[nameAt+1 : nameAt+1+len(name)] // out may have moved

	isTop := o.depth == 0
	switch {
	case isTop && p.Drop != "" && string(name) == p.Drop:
		p.out = p.out[:undo]
		return nil
	case c == 'n' && (o.inItem && p.Summary != Submissions || p.Summary == Lists):
		p.Nulls++
		p.out = p.out[:undo]
		return nil
	case isTop && len(p.Types) > 0:
		if kind, ok := p.Types[string(name)]; ok && !kind.fits(value, p.onlyObjects) {
			p.move(string(name), p.out[valueAt:])
			p.out = p.out[:undo]
			if below.isList {
				p.items = sharing{}
			}
			return nil
		}
	}
	p.note(o, name, value, span{undo, len(p.out)})
	return nil
}

// note remembers of a member what is told of it elsewhere.
func (p *shaper) note(o *object, name, value []byte, at span) {
	isScalar := value[0] != '{' && value[0] != '['
	if p.Summary == Lists && !o.inItem && o.depth <= 1 && isScalar {
		p.Envelope = append(p.Envelope, Scalar{string(name), value})
	}
	switch string(name) {
	case "deadline":
		o.deadline = value
	case "status":
		o.isDone = string(value) == `"completed"`
		switch {
		case o.depth == 0:
			p.Status = string(bytes.Trim(value, `"`))
		case o.isWork && o.depth == 2:
			p.LastSubmission = string(bytes.Trim(value, `"`))
		}
	case "payout_display":
		if o.isList && p.Options.Payouts {
			p.Result.Payouts = append(p.Result.Payouts, value)
		}
	case "project_id", "project_title":
		switch {
		case o.isList && isScalar && p.Summary != Whole:
			p.items.add(name, value, at, o.begin)
		case o.depth == 0:
			p.items.isTaken = true
		}
	}
}

// move moves a member out of the way, into the object of those that were not
// expected.
func (p *shaper) move(name string, value []byte) {
	p.Unexpected = append(p.Unexpected, name)
	if len(p.unexpected) > 0 {
		p.unexpected = append(p.unexpected, ',')
	}
	p.unexpected = append(append(append(p.unexpected, '"'), name...), `":`...)
	p.unexpected = append(p.unexpected, value...)
}

// finish adds the members that the items of the list share, and the object of
// those that were not expected.
func (p *shaper) finish() {
	p.share()
	if len(p.unexpected) > 0 {
		p.out = Append(p.out, append(append([]byte(`"_unexpected":{`), p.unexpected...), '}'))
	}
}
